import { splitSentences } from '#shared/text/sentences.ts'

const MAX_QUERY_CHARACTERS = 600
const GREETING = /^(?:hi|hello|hey|hiya|dear|greetings|good (?:morning|afternoon|evening|day))\b/i
const ADDRESSEES = new Set(
  'there all team support everyone everybody folks guys sir sirs madam or and to whom it may concern customer customers service care helpdesk ladies gentlemen friends again'.split(
    ' ',
  ),
)
const NAME = /^\p{Lu}[\p{Ll}'’.-]+$/u
const CLOSING =
  /^(?:(?:with )?(?:kind(?:est)?|best|warm(?:est)?|many) (?:regards|wishes|thanks)|regards|best|cheers|(?:yours )?(?:sincerely|truly|faithfully)|yours|all the best|have a (?:nice|good|great) (?:day|evening|weekend))\b[ ,.!–-]*/i
const THANKS = /^(?:many )?thank(?:s| you)\b[^.?!]{0,60}[.!, ]*$/i
/** What follows is more than thanks. */
const GOES_ON = /\b(?:but|however|still|how|what|when|where|which|why|can|could|is|are|does|do|did|will|would)\b/i
const SENT_FROM = /^sent from my\b/i
/** From here on an earlier mail stands below. */
const QUOTED_BELOW = /^(?:-{2,} ?(?:original|forwarded) message|_{10,}$|from: .*@|on .{5,120} wrote:$)/i
const REPLY_MARK = /^(?:(?:re|fwd?) ?: ?)+/i
const MAX_SIGNATURE_CHARACTERS = 60
/** What stood there is nobody's question, and no document holds it. */
const PLACEHOLDER = / ?\[[A-Z][A-Z_]{0,30}_\d{1,6}\]/g
const ASKS = /\b(?:please|i need|i want|i would like|tell me|explain|help me)\b/i

/**
 * The question as a search should see it: greeting, farewell, signature and quoted mail off, and of a long letter only its subject
 * and the sentences that ask something. What is not plainly one of these stays, so other languages come through as they are.
 * Questions that refer to earlier turns are not resolved here.
 */
export function rewriteQuery(subject: string, text: string): string {
  const title = subject.replace(PLACEHOLDER, '').trim().replace(REPLY_MARK, '')
  const all = text.split('\n').map((line) => line.replace(PLACEHOLDER, '').trim())
  const body = ownLines(all).join('\n')
  const whole = joined(title, body === '' && title === '' ? all.filter(Boolean).join('\n') : body)
  if (whole.length <= MAX_QUERY_CHARACTERS) return whole
  const sentences = splitSentences(body).map((sentence) => sentence.text.replace(/\s+/g, ' '))
  const asking = sentences.filter((sentence) => sentence.includes('?'))
  const chosen = asking.length > 0 ? asking : sentences.filter((sentence) => ASKS.test(sentence))
  return joined(title, withinLimit(chosen.length > 0 ? chosen : sentences)).slice(0, MAX_QUERY_CHARACTERS + title.length + 1)
}

/** The lines that the writer wrote for this message, without the forms of a letter around them. */
function ownLines(lines: readonly string[]): string[] {
  const own: string[] = []
  let closed = false
  for (const line of lines) {
    if (line === '' || line.startsWith('>')) continue
    const below = QUOTED_BELOW.test(line)
    if (below && own.length > 0) break
    if (below || SENT_FROM.test(line)) continue
    if (own.length > 0 && line === '--') break
    if (isClosing(line)) {
      closed = true
      continue
    }
    // Below the farewell stand names, titles and numbers; a postscript is a sentence again.
    if (closed && line.length <= MAX_SIGNATURE_CHARACTERS && !/[.?!…]$/.test(line)) continue
    const rest = withoutGreeting(line)
    if (rest !== '') own.push(rest)
  }
  return own
}

const isClosing = (line: string): boolean => {
  if (THANKS.test(line)) return !GOES_ON.test(line)
  const closing = CLOSING.exec(line)
  return closing !== null && isAddress(line.slice(closing[0].length))
}

/** `Hello, how …` loses its first word; a line that only greets is empty; `Hello my hub is offline` stays as it is. */
function withoutGreeting(line: string): string {
  const greeting = GREETING.exec(line)
  if (!greeting) return line
  const rest = line.slice(greeting[0].length)
  const mark = rest.search(/[,!.:]/)
  const address = mark < 0 ? rest : rest.slice(0, mark)
  // "Dear billing team," names somebody whoever it is; "Hello my hub is offline" does not.
  const named = mark >= 0 && address.trim().split(/\s+/).length <= (/^dear$/i.test(greeting[0]) ? 5 : 2)
  if (!named && !isAddress(address)) return line
  return mark < 0 ? '' : rest.slice(mark + 1).trim()
}

/** Empty, names, or words with which one addresses nobody in particular. */
function isAddress(text: string): boolean {
  const words = text.split(/[ ,.!]+/).filter(Boolean)
  return words.length <= 5 && words.every((word) => NAME.test(word) || ADDRESSEES.has(word.toLowerCase()))
}

/** A subject that says no more than the body's beginning would count its words twice. */
function joined(title: string, body: string): string {
  if (title === '' || body.toLowerCase().startsWith(title.toLowerCase())) return body.trim()
  return `${title}\n${body}`.trim()
}

function withinLimit(sentences: readonly string[]): string {
  const kept: string[] = []
  let used = 0
  for (const sentence of sentences) {
    if (used + sentence.length > MAX_QUERY_CHARACTERS) continue
    kept.push(sentence)
    used += sentence.length + 1
  }
  return kept.join(' ')
}
