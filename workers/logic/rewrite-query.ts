import { splitSentences } from '#shared/text/sentences.ts'

const MAX_QUERY_CHARACTERS = 600
const GREETING = /^(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|greetings)\b[^.!?\n]{0,60}[,!.]?\s*$/i
const FAREWELL =
  /^(?:thanks?|thank you|cheers|regards|best|kind regards|best regards|many thanks|sincerely|yours|all the best|sent from my)\b.{0,80}$/i
/** What stood there is nobody's question, and no document holds it. */
const PLACEHOLDER = /\[[A-Z][A-Z_]{0,30}_\d{1,4}\]/g
const ASKS =
  /\?|\b(?:how|what|when|where|which|who|why|can|could|may|do|does|did|is|are|will|would|should)\b[^.!?]{0,200}\?|\b(?:please|i need|i want|i would like|tell me|explain|help me)\b/i

/**
 * The question as a search should see it: greeting and farewell off, and of a long letter only its subject and the sentences
 * that ask something. Questions that refer to earlier turns are not resolved here.
 */
export function rewriteQuery(subject: string, text: string): string {
  const lines = text.split('\n').map((line) => line.replace(PLACEHOLDER, ' ').trim())
  const body = lines
    .filter((line) => line.length > 0 && !line.startsWith('>') && !GREETING.test(line) && !FAREWELL.test(line))
    .join('\n')
  const whole = joined(subject, body)
  if (whole.length <= MAX_QUERY_CHARACTERS) return whole
  const sentences = splitSentences(body).map((sentence) => sentence.text.replace(/\s+/g, ' '))
  const asking = sentences.filter((sentence) => ASKS.test(sentence) && sentence.includes('?'))
  const chosen = asking.length > 0 ? asking : sentences.filter((sentence) => ASKS.test(sentence))
  return joined(subject, withinLimit(chosen.length > 0 ? chosen : sentences)).slice(0, MAX_QUERY_CHARACTERS + subject.length + 1)
}

/** A subject that says no more than the body's beginning would count its words twice. */
function joined(subject: string, body: string): string {
  const title = subject.replace(PLACEHOLDER, ' ').trim()
  if (title.length === 0 || body.toLowerCase().startsWith(title.toLowerCase())) return body.trim()
  return `${title}\n${body}`.trim()
}

function withinLimit(sentences: readonly string[]): string {
  const kept: string[] = []
  let used = 0
  for (const sentence of sentences) {
    used += sentence.length + 1
    if (used <= MAX_QUERY_CHARACTERS) kept.push(sentence)
  }
  return kept.join(' ')
}
