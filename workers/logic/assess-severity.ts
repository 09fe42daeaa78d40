import type { Triage } from '#shared/domain/triage.ts'
import { SEVERITY_RULES, type SeverityRule, TOPICS } from './severity-rules.ts'

const LEGAL =
  /\b(?:(?:i|we)(?:'ll| will| shall| am going to| are going to)? sue\b|my (?:lawyer|solicitor|attorney)|our (?:lawyers?|solicitors?|attorneys?|legal (?:team|counsel|department))|legal action|take (?:you|this) to court|see you in court|small claims court|lawsuit|claim damages|(?:complain|complaint)\b[^.!?]{0,40}\b(?:data protection authority|regulator|ombudsman|trading standards|ico)|report you to)\b/i
const WANTS_PERSON =
  /\b(?:(?:speak|talk|chat) (?:to|with)\b[^.!?]{0,20}\b(?:human|person|someone|somebody|agent|representative|operator|manager|supervisor)|(?:connect|transfer|put|pass|forward|hand) (?:me|us|this)\b[^.!?]{0,30}\b(?:human|person|someone|agent|representative|operator|manager|supervisor)|(?:human|live|real) (?:agent|person|being|support)\b|agent,? please|(?:don't|do not) want (?:to (?:talk|speak|chat) (?:to|with) )?(?:a |an |this |your )?(?:bot|robot|machine|ai)\b|(?:call|ring|phone) me(?: back)?,? please|please (?:call|ring|phone) me\b)/i
const ANGRY =
  /\b(?:worst|ridiculous|unacceptable|outrageous|disgusting|furious|fed up|scam(?:mers)?|useless|incompetent|shame on|terrible|awful|pathetic|joke of a|last straw|disgrace\w*|bloody|damn|wtf|crap|hell)\b/i
const NEGATIVE =
  /\b(?:not working|doesn't work|does not work|broken|disappoint\w*|annoy\w*|frustrat\w*|problem|issue|fail(?:s|ed|ing)?|wrong|error|unfortunately|still (?:not|no|waiting))\b/i
const POSITIVE = /\b(?:thank(?:s| you)|great|love|awesome|perfect|excellent|happy with|works well|good job)\b/i

/** As far as a clause is read back from a cue. */
const CLAUSE_CHARACTERS = 160
const CLAUSE_BORDER = /[,;.!?\n]| but /
/** What stands before a cue in its clause and makes it a question, a condition, a denial or hearsay instead of an incident. */
const CALM_BEFORE = [
  // "could the hub catch fire", "can be hacked", but not "I can smell burning".
  /(?<!\b(?:i|we) )\b(?:can|could|may|might|would|will|should|cannot|can't) (?:(?:ever|also|really|actually|even|be|get|have been) ){0,2}(?:been )?$/i,
  /\b(?:can|could|would|will|might|may|does|do|should) (?:the|a|an|my|your|our|it|this|that|they|these|one|you|larkspur|hubs?|plugs?|batteries|somebody|someone)\b(?! (?:help|tell|call|please))/i,
  /\b(?:if|in case|unless|in the event)(?: of)? (?:the|my|your|our|a|an|it|one|there|somebody|someone|any|this|that)\b|\b(?:in case|in the event) of\b|\bwhat (?:happens|would happen)\b/i,
  /\bhow (?:do|can|could|does|would|should|to|likely|often|safe)\b/i,
  /\b(?:no|not|never|without|isn't|wasn't|aren't|weren't|hasn't|haven't|don't|doesn't|didn't|nothing) (?:(?!stop)\w+ ){0,2}$/i,
  /\b(?:prevent|avoid|against|protect(?:s|ed|ion)?|risk of|chance of|danger of|rated for|detect(?:s|ed|ing|ion)?|simulat\w+|whether|wonder\w*|curious|ever|example of|difference between|definition of)\b/i,
  /\b(?:alert|notif(?:y|ies|ied|ication)|warn(?:s|ed|ing)?|inform|tell|message|alarm)s? (?:me |us |you |people )?(?:when|if|about|of|for)\b/i,
  /\b(?:automation|routine|scene|rule)s?\b|\blike an? $/i,
  /\b(?:read|heard|news|article|blog|rumou?rs?|documentation|handbook|manual|policy|film|movie|video)\b/i,
]
/** "Is there data loss when I migrate?" asks; but "Is there supposed to be smoke coming out?" tells, so P0 does not look at this. */
const ASKS_WHETHER = /^\W*(?:(?:is|are|was|were) (?:there|the|your|you)|(?:can|could|may|do|should) (?:i|we))\b/i

export type Assessment = Pick<Triage, 'severity' | 'sentiment' | 'legalThreat' | 'wantsPerson'> & { readonly reasons: string[] }

/**
 * By rules over the masked text, in English; linear in its length. A cue counts where its clause tells of something that happened.
 * In doubt it counts: a person too many costs less than an emergency that a machine answers.
 */
export function assessSeverity(text: string): Assessment {
  const told = text.replaceAll('’', "'").replace(TOPICS, ' ')
  const hits = SEVERITY_RULES.filter((rule) => tellsOf(rule, told))
  const legalThreat = LEGAL.test(text)
  return {
    severity: hits[0]?.severity ?? (legalThreat ? 'P2' : 'P3'),
    sentiment: sentimentOf(text),
    legalThreat,
    wantsPerson: WANTS_PERSON.test(text),
    reasons: hits.map((rule) => `severity:${rule.name}`),
  }
}

function tellsOf({ cue, severity }: SeverityRule, text: string): boolean {
  for (const { index } of text.matchAll(cue)) {
    const clause = text
      .slice(Math.max(0, index - CLAUSE_CHARACTERS), index)
      .split(CLAUSE_BORDER)
      .at(-1)!
    const asks = severity !== 'P0' && ASKS_WHETHER.test(clause)
    if (!asks && !CALM_BEFORE.some((calm) => calm.test(clause))) return true
  }
  return false
}

function sentimentOf(text: string): Triage['sentiment'] {
  const shouting = /[A-Z]{4,}[^a-z]{0,40}[A-Z]{4,}/.test(text) || /[!?]{3,}/.test(text)
  if (ANGRY.test(text) || shouting) return 'angry'
  if (NEGATIVE.test(text)) return 'negative'
  return POSITIVE.test(text) ? 'positive' : 'neutral'
}
