import type { Triage } from '#shared/domain/triage.ts'

type Severity = Triage['severity']
type Rule = { readonly severity: Severity; readonly name: string; readonly cue: RegExp; readonly unless?: RegExp }

/**
 * P0 danger to people or property · P1 breach, loss, or standstill of a business or of many · P2 degraded or disputed · P3 the rest.
 * Cues describe an incident ("was hacked", "is on fire"), not a topic: a calm question about passwords or batches is no incident.
 */
const RULES: readonly Rule[] = [
  {
    severity: 'P0',
    name: 'fire-or-smoke',
    cue: /\b(?:smoke|smoking|flames?|sparks?|sparking|burn(?:t|ed|ing)|(?:on|caught) fire|caught fire|melt(?:ed|ing)|explod(?:ed|ing|es)|exploded)\b/i,
    unless: /\bsmoke (?:sensor|detector|alarm)s?\b|\bburn(?:ing)? (?:question|a cd)\b/i,
  },
  {
    severity: 'P0',
    name: 'injury',
    cue: /\b(?:electric(?:al)? shock|electrocut\w+|injur(?:ed|y|ies)|hurt (?:my|his|her|a)|ambulance|carbon monoxide|gas leak|hospital)\b/i,
  },
  { severity: 'P0', name: 'danger-to-life', cue: /\b(?:kill myself|suicid\w+|life[- ]threatening|in danger)\b/i },
  {
    severity: 'P1',
    name: 'account-breach',
    cue: /\b(?:hacked|been compromised|is compromised|someone (?:else )?(?:is|has logged|logged|got) in(?:to|side)?|somebody is in my account|stole my (?:account|data)|unauthori[sz]ed (?:access|login|transactions?|payments?|charges?))\b/i,
  },
  {
    severity: 'P1',
    name: 'data-breach',
    cue: /\b(?:data breach|(?:token|key|password|credential|secret|data)s? (?:was|were|has been|have been|got|is|are) (?:leaked|exposed|stolen)|leaked (?:our|my|the) (?:token|key|password|data)|pushed (?:our|my) (?:api )?(?:token|key)\b[^.]{0,40}\bpublic)\b/i,
  },
  {
    severity: 'P1',
    name: 'data-loss',
    cue: /\b(?:data loss|(?:lost|deleted|wiped|erased) (?:all|everything|years)|(?:all|everything)[^.!?]{0,60}\b(?:disappeared|vanished|is gone|are gone|was deleted|were deleted|have gone))\b/i,
  },
  {
    severity: 'P1',
    name: 'outage',
    cue: /\b(?:(?:total|complete|major|full|p1|p0) outage|everything is (?:down|offline)|(?:all|every|entire|whole)\b[^.!?]{0,60}\b(?:are|is|went) (?:down|offline|unreachable)|production (?:is )?down|nobody (?:in|at)\b[^.!?]{0,40}\bcan|(?:alarms?|alerts?) (?:are|is|were) not (?:being )?delivered)\b/i,
  },
  {
    severity: 'P1',
    name: 'locked-out-business',
    cue: /\b(?:all (?:our )?(?:staff|users|employees|admins?|administrators|customers|agents)\b[^.!?]{0,40}\b(?:locked out|cannot|can't|unable)|(?:we|company|team) (?:are|is) (?:completely |all |totally )?locked out)\b/i,
  },
  {
    severity: 'P2',
    name: 'degraded',
    cue: /\b(?:(?:very|extremely|so|really|unusably) slow|keeps? (?:crashing|disconnecting|failing)|intermittent(?:ly)?|degraded|unstable|time(?:s|d)? out (?:constantly|often|again))\b/i,
  },
  {
    severity: 'P2',
    name: 'billing-dispute',
    cue: /\b(?:charged (?:me |us |my card )?(?:twice|double|two times)|double[- ]charged|billed (?:twice|double)|dispute|chargeback|overcharged|wrong(?:ly)? (?:charged|billed)|you billed)\b/i,
  },
]

const LEGAL =
  /\b(?:(?:i|we)(?:'ll| will| shall| am going to| are going to)? sue|my (?:lawyer|solicitor|attorney)|our (?:lawyers?|solicitors?|attorneys?|legal (?:team|counsel|department))|legal action|take (?:you|this) to court|small claims court|lawsuit|claim damages|(?:complain|complaint)\b[^.!?]{0,40}\b(?:data protection authority|regulator|ombudsman|trading standards|ico)|report you to)\b/i
const WANTS_PERSON =
  /\b(?:(?:speak|talk|chat|connect|transfer|put)\b[^.!?]{0,30}\b(?:human|real person|person|someone real|agent|representative|operator|manager|supervisor)|(?:human|live|real) (?:agent|person|being|support)\b|agent,? please|(?:don't|do not) want (?:to (?:talk|speak) to )?(?:a |an |this )?(?:bot|robot|machine|ai)\b|please call me\b)/i
const ANGRY =
  /\b(?:worst|ridiculous|unacceptable|outrageous|disgusting|furious|fed up|scam(?:mers)?|useless|incompetent|shame on|terrible|awful|pathetic|joke of a|last straw|disgrace\w*|bloody|damn|wtf|crap|hell)\b/i
const NEGATIVE =
  /\b(?:not working|doesn't work|does not work|broken|disappoint\w*|annoy\w*|frustrat\w*|problem|issue|fail(?:s|ed|ing)?|wrong|error|unfortunately|still (?:not|no|waiting))\b/i
const POSITIVE = /\b(?:thank(?:s| you)|great|love|awesome|perfect|excellent|happy with|works well|good job)\b/i

export type Assessment = Pick<Triage, 'severity' | 'sentiment' | 'legalThreat' | 'wantsPerson'> & { readonly reasons: string[] }

/** By rules over the masked text; linear in its length. */
export function assessSeverity(text: string): Assessment {
  const hits = RULES.filter((rule) => rule.cue.test(rule.unless ? text.replace(new RegExp(rule.unless, 'gi'), ' ') : text))
  const legalThreat = LEGAL.test(text)
  const severity = hits[0]?.severity ?? (legalThreat ? 'P2' : 'P3')
  return {
    severity,
    sentiment: sentimentOf(text),
    legalThreat,
    wantsPerson: WANTS_PERSON.test(text),
    reasons: hits.map((rule) => `severity:${rule.name}`),
  }
}

function sentimentOf(text: string): Triage['sentiment'] {
  const shouting = /[A-Z]{4,}[^a-z]{0,40}[A-Z]{4,}/.test(text) || /[!?]{3,}/.test(text)
  if (ANGRY.test(text) || shouting) return 'angry'
  if (NEGATIVE.test(text)) return 'negative'
  return POSITIVE.test(text) ? 'positive' : 'neutral'
}
