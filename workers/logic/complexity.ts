export type ComplexityInput = {
  readonly text: string
  readonly intent: string
  /** Codes, prices, versions and dates in the text. */
  readonly facts: number
  /** Earlier turns of the conversation. */
  readonly turns: number
}
export type Complexity = {
  /** 0 (a single plain question) to 1. */
  readonly score: number
  /** What made it so, for whoever asks why a model was chosen. */
  readonly signals: readonly string[]
}

const WORDS_OF_A_LONG_TEXT = 400
const REASONING = /\b(?:why|compare|difference|versus|vs|depends?|explain|if|unless|because|although|both)\b/gi
/** Words of work that takes several steps or touches several systems. */
const DOMAIN =
  /\b(?:api|sdk|webhook|integration|migrat\w{1,8}|configur\w{1,10}|firewall|certificate|sso|saml|oauth|dns|timeout|stack ?trace|exception|contract|clause|invoice|prorat\w{1,6}|vat|gdpr|compliance)\b/gi
/** Parts of intent names that promise work or spare it; names are the tenant's own. */
const HARD_INTENT = /(?:technical|troubleshoot|integration|api|bug|error|dispute|migration|security|legal|complaint)/
const EASY_INTENT = /(?:hours|greeting|thanks|track|password|status|feedback)/

/** How hard a question is to answer well, from what can be seen before anything is searched: a rule, not a model, so it costs nothing. */
export function assessComplexity({ text, intent, facts, turns }: ComplexityInput): Complexity {
  const words = text.split(/\s+/).length
  const questions = count(text, /\?/g)
  const reasoning = count(text, REASONING)
  const domain = count(text, DOMAIN)
  const parts = [
    part(words / WORDS_OF_A_LONG_TEXT, `${words} words`),
    part(Math.max(0, questions - 1) * 0.15, `${questions} questions`),
    part(Math.min(reasoning, 5) * 0.06, `${reasoning} words of reasoning`),
    part(Math.min(domain, 5) * 0.05, `${domain} technical words`),
    part(Math.min(Math.max(0, facts - 1), 4) * 0.04, `${facts} codes, prices or dates`),
    part(Math.min(turns, 10) * 0.03, `${turns} earlier turns`),
    part(HARD_INTENT.test(intent) ? 0.1 : EASY_INTENT.test(intent) ? -0.1 : 0, `intent ${intent}`),
  ]
  const score = Math.min(
    1,
    Math.max(
      0,
      parts.reduce((sum, { value }) => sum + value, 0),
    ),
  )
  return { score, signals: parts.filter(({ value }) => Math.abs(value) >= 0.03).map(({ what }) => what) }
}

const part = (value: number, what: string) => ({ value, what })
const count = (text: string, pattern: RegExp) => (text.match(pattern) ?? []).length
