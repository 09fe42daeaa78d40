import type { Triage } from '#shared/domain/triage.ts'

export type SeverityRule = { readonly severity: Triage['severity']; readonly name: string; readonly cue: RegExp }

/** Names of things that only sound like an incident; taken out before the cues are looked for. */
export const TOPICS =
  /\b(?:(?:smoke|carbon monoxide|co2?|gas|flood|leak|water|fire|flame|burglar|intruder)[- ]?(?:sensor|detector|alert|light|test|drill|sale|wall|fox|stick|tv|base|exit|door|safety|insurance|effect|free|gr[ae]y|white|black|blue|red|orange|signal|model|version|colou?r|resistant|proof|rated|melder)s?|(?:smoke|carbon monoxide|co|gas|fire) alarms?(?! (?:is|are|went|keeps?|won't|goes|has)\b)|smoking (?:area|ban|room|gun)|(?:false|test) alarms?|burning question|burn(?:ed|t|s|ing)?[- ]?(?:through|out|in\b|(?:a|the|an) (?:cd|dvd|iso|image|sd card)|a hole in (?:my|our) (?:pocket|wallet|budget)|calories|rate)|spark(?:s|ed|ing)? (?:joy|(?:my|our|an?) (?:interest|idea|curiosity|discussion|debate)|plugs?|of hope)|melting point|exploded view|(?:bills?|prices?|costs?|usage|traffic|inbox|numbers?|consumption)(?: has| have| is| are)?(?: just)? explod(?:ed|ing)|hackathon|hacker ?news|hacked (?:together|my way|around)|(?:life|growth|quick|little|nice|clever) hack(?:s|ing)?|hurt (?:my|his|her|our) (?:feelings|eyes|ears|wallet|business|brand)|in danger of|flooded (?:with|by) (?:e-?mails?|mails?|messages|notifications|alerts|requests|spam)|ambulance (?:station|service|crew|company|fleet)s?|on fire (?:sale|today|lately)|crash course)\b/gi

/**
 * P0 danger to people or property · P1 breach, loss, or standstill of a business or of many · P2 degraded or disputed · P3 the rest.
 * The gravest come first. Cues describe an incident ("was hacked", "is on fire"), not a topic.
 */
export const SEVERITY_RULES: readonly SeverityRule[] = [
  {
    severity: 'P0',
    name: 'fire-or-smoke',
    cue: /\b(?:smok(?:e|es|ed|ing)|sm(?:ou|o)lder(?:s|ed|ing)|flames?|spark(?:s|ed|ing)?|burn(?:s|t|ed|ing)|(?:on|caught|catch(?:es|ing)?|started a|small|big) fire|fire (?:broke|started|in (?:my|our|the))|(?:call(?:ed)?|alerted|phoned) the fire (?:brigade|department|service)|glow(?:s|ed|ing) red|melt(?:s|ed|ing)|explod(?:ed|ing|es?)|explosion|blew up|scorch(?:ed|ing|es)|charred|(?:too|burning|red) hot to touch|(?:smoke|carbon monoxide|co|gas|fire) alarms? (?:is|are|went|keeps?|won't stop) (?:going off|sounding|off|beeping))\b/gi,
  },
  {
    severity: 'P0',
    name: 'injury',
    cue: /\b(?:electric(?:al)? shocks?|got (?:a |an )?(?:electric )?shock(?:ed)?|electrocut\w+|injur(?:ed|y|ies)|hurt (?:my|his|her|a|our|himself|herself|myself)|ambulance|carbon monoxide (?:poisoning|leak)|gas leak|smell(?:s|ed|ing)?(?: of| like)? gas|(?:in|to|at) (?:the )?hospital|hospitali[sz]ed|unconscious|passed out|bleeding)\b/gi,
  },
  {
    severity: 'P0',
    name: 'water-damage',
    cue: /\b(?:flooded|flooding|water (?:is )?(?:everywhere|pouring|gushing|running down)|burst pipe|pipe (?:has )?burst|(?:is|are|was|were|stands?|stood)(?: already)? under water)\b/gi,
  },
  {
    severity: 'P0',
    name: 'danger-to-life',
    cue: /\b(?:kill (?:myself|himself|herself|me|us)|suicid\w+|life[- ]threatening|in danger|hurt myself|broke into (?:my|our|the) (?:home|house|flat|apartment)|(?:burglar|intruder)s? (?:is|are|was|were) in)\b/gi,
  },
  {
    severity: 'P1',
    name: 'account-breach',
    cue: /\b(?:hacked|hijacked|hackers? (?:control|controls|took|changed|got|are|have|has|is)|compromised|taken over by|(?:someone|somebody|a stranger|strangers?|an unknown (?:person|user))(?: else)? (?:is|has|have|was|got|logged|changed|took|controls|accessed)\b[^.!?]{0,40}\b(?:account|home|hub|password|in(?:to|side)?|profile|e-?mail)|stole (?:my|our) (?:account|data|identity)|unauthori[sz]ed (?:access(?! token)|log-?ins?|transactions?|payments?|charges?|devices?|users?)|log-?ins? (?:from|by)\b[^.!?]{0,40}\b(?:wasn't|was not|isn't|not) (?:me|us|mine|ours))\b/gi,
  },
  {
    severity: 'P1',
    name: 'data-breach',
    cue: /\b(?:data (?:breach|leak)|(?:token|key|password|credential|secret|data)s? (?:was|were|has been|have been|got|is|are) (?:\w+ly )?(?:leaked|exposed|stolen|published|posted|pushed|committed)|leaked (?:our|my|the) (?:\w+ )?(?:token|key|password|data|secret)s?|(?:pushed|posted|committed|published) (?:our|my|the) (?:api )?(?:token|key|password|secret)s?\b[^.]{0,40}\b(?:public|github|gitlab|internet|forum)|(?:see|sees|seeing|saw|shows?|showing|got|received) (?:me )?(?:(?:the )?(?:data|readings?|invoices?|orders?|home|camera|name|address|e-?mails?)s?(?: \w+)? of )?(?:another|other|somebody else's|someone else's|a stranger's|a different) (?:customers?|users?|people|persons?|tenants?|famil(?:y|ies)|compan(?:y|ies)|data|accounts?|homes?|invoices?|houses?)\b|of (?:another|other) (?:customers?|users?|people|tenants?|compan(?:y|ies)) (?:is|are|shows?|appears?)\b)/gi,
  },
  {
    severity: 'P1',
    name: 'data-loss',
    cue: /\b(?:data loss|(?:lost|deleted|wiped|erased) (?:all|everything|years|months)|(?:all|everything|(?:my|our|the) (?:entire|whole|complete)|(?:years|months) of)[^.!?]{0,60}\b(?:disappeared|vanished|(?:is|are|was|were) (?:gone|lost|deleted|wiped|erased)|has gone|have gone|missing|gone overnight))\b/gi,
  },
  {
    severity: 'P1',
    name: 'outage',
    cue: /\b(?:(?:total|complete|major|full|p1|p0|nationwide|widespread) outage|everything (?:is|went|has been|has gone) (?:down|offline)|(?:all|every|entire|whole)\b[^.!?]{0,60}\b(?:are|is|went|have gone|has gone|have been|has been) (?:all )?(?:down(?! to)|offline|unreachable|dead)|(?:all|every|entire|whole)\b[^.!?]{0,60}\blost (?:the |their )?connection|(?:production|prod|platform|service|system)s? (?:is |are |went )?down\b|(?:nobody|no one|no-one) (?:in|at|of)\b[^.!?]{0,40}\bcan|none of our (?:staff|users|customers|tenants|employees|agents)\b[^.!?]{0,40}\b(?:can|work|get)|(?:alarms?|alerts?) (?:are|is|were|was) not (?:being )?(?:delivered|sent|arriving)|business (?:is|has come) (?:at|to) a (?:standstill|halt))\b/gi,
  },
  {
    severity: 'P1',
    name: 'locked-out-business',
    cue: /\b(?:(?:all|both|every)(?: of)? (?:our )?(?:staff|users|employees|admins?|administrators|customers|agents|caretakers)\b[^.!?]{0,40}\b(?:locked out|cannot|can't|can not|unable)|(?:we|company|team|office) (?:are|is) (?:completely |all |totally )?locked out)\b/gi,
  },
  {
    severity: 'P2',
    name: 'degraded',
    cue: /\b(?:(?:very|extremely|super|incredibly|awfully|so|really|unusably|terribly|painfully) slow|keeps? (?:crashing|disconnecting|failing|dropping|freezing|rebooting|restarting)|intermittent(?:ly)?|degraded|unstable|takes? forever|(?:drops|loses) (?:the |its )?connection|time(?:s|d)? out (?:constantly|often|again)|every (?:few|\d+) minutes\b[^.!?]{0,30}\b(?:disconnects|crashes|drops|fails))\b/gi,
  },
  {
    severity: 'P2',
    name: 'billing-dispute',
    cue: /\b(?:(?:charged|billed|debited|invoiced)\b[^.!?]{0,30}\b(?:twice|double|two times|three times|again)|double[- ]charged|disput(?:e|ed|ing)|chargeback|overcharged|over-charged|wrong(?:ly)? (?:charged|billed)|(?:incorrectly|mistakenly) (?:charged|billed)|you billed|(?:invoice|bill|amount|charge) is (?:wrong|incorrect|too high)|(?:charged|billed|charging|billing)\b[^.!?]{0,40}\b(?:after|although|even though|despite)\b[^.!?]{0,40}\bcancel\w*)/gi,
  },
]
