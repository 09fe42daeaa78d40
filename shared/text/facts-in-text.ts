import { LRUCache } from 'lru-cache'
import { datesIn } from './dates-in-text.ts'
import { magnitudeOf, NUMBER_WORDS } from './number-words.ts'
import { quantityAt } from './quantity-at.ts'
import { currencyOf, durationOf, measureOf } from './units-of-measure.ts'

export type FactKind =
  | 'url'
  | 'email'
  | 'phone'
  | 'date'
  | 'time'
  | 'weekday'
  | 'duration'
  | 'price'
  | 'percent'
  | 'version'
  | 'code'
  | 'number'
  | 'quote'

/** Something in a text that is either right or wrong, and can be looked up. */
export type Fact = {
  readonly kind: FactKind
  /** Normalised, so that two ways of writing the same thing are equal: `$5` and `5 dollars` are `5 USD`. */
  readonly value: string
  readonly raw: string
  readonly start: number
  readonly end: number
  /** The bare number inside, e.g. `5`; absent where there is none. */
  readonly amount?: string
  /** `5 GB` -> gb, `14 days` -> s (seconds), `$5` -> USD. */
  readonly unit?: string
  /** `$5 per month` -> month. */
  readonly per?: string
  /** The word in front of a bare number, as written: `Hub 2` -> Hub. */
  readonly before?: string
}

const PLACEHOLDER = /\[[A-Z][A-Z_]{0,30}_\d{1,6}\]/g
const CITATION = /\[\d{1,3}(?:, ?\d{1,3}){0,9}\]/g
const LIST_NUMBER = /(?:^[ \t]{0,16}|(?<=[.:;!?][ \t]))\(?\d{1,3}[.)](?=[ \t]|$)/gm
const EMAIL = /(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}/g
const URL = /(?<![A-Za-z0-9])(?:https?:\/\/|www\.)[^\s<>"'`|\\^{}[\]]{1,2000}/gi
const BARE_DOMAIN =
  /(?<![\w@./-])(?:[a-z0-9-]{1,63}\.){1,5}(?:com|org|net|io|example|app|dev|gov|edu|info|ai|eu|uk|de|fr|es|it|nl|ca|au|us|co)(?![\w-]|\.\w)(?:\/[^\s<>"'`|\\^{}[\]]{0,500})?/gi
const PHONE = /(?<![\p{L}\p{N}.,$€£-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?\d{2,8}(?:[ .-]\d{2,8}){1,4}(?![\p{N}-])/gu
const TIME = /(?<![\p{N}.:])(\d{1,2})(?::(\d{2})(?::\d{2})?)?(?:\s{0,4}([ap])\.?m\b\.?)?(?![\p{N}:])/giu
const ROUND_THE_CLOCK = /\b24 ?\/ ?7\b|\b24 ?(?:hours|hrs|h) (?:a|per) day\b|\b(?:a)?round[ -]the[ -]clock\b/gi
/** `401(k)` and `401k` are one name. */
const BRACKETED = /(?<![\p{L}\p{N}])\d{1,5}\([a-z]\)/giu
const WEEKDAY = /\b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b/g
/** Only where it may hold a digit or `_`, or is endless: most words are neither, and are passed over by a look ahead. */
const TOKEN = /(?<![A-Za-z0-9])(?=[A-Za-z.-]{0,81}[0-9_]|[A-Za-z-]{81})[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+|\.[0-9][A-Za-z0-9]*)*/g
const NUMBER = /(?:\d{1,3}(?:,\d{3}){1,6}(?!\d)|\d{1,20})(?:\.\d{1,12}){0,4}/g
const QUOTED =
  /"([^"\n]{2,160})"|“([^”\n]{2,160})”|«([^»\n]{2,160})»|(?<!`)`([^`\n]{2,160})`(?!`)|(?<![\p{L}\p{N}'])[‘'](?!(?:s|t|d|m|ll|re|ve)\b)([^\s'‘’][^'‘’\n]{1,80})[’'](?![\p{L}\p{N}'])/gu

const MAX_CODE_CHARACTERS = 80

/**
 * The checkable items of a text in order: numbers with their units, prices, dates, codes, addresses, quoted words. Quoted words
 * overlap with what stands inside them; all else does not overlap. List numbers, `[1]` and placeholders such as `[EMAIL_1]` are
 * no facts. Words and formats are English, digits and symbols any language's. Linear in the text.
 */
export function factsIn(text: string): readonly Fact[] {
  const facts = known.get(text) ?? readFacts(text)
  known.set(text, facts)
  return facts
}

/** Each sentence of a draft is read by every check on it, and a question by every step. Bounded by the characters kept. */
const known = new LRUCache<string, readonly Fact[]>({
  maxSize: 500_000,
  maxEntrySize: 4_000,
  sizeCalculation: (_facts, text) => text.length + 100,
})

/** The same for a text whose reading is kept elsewhere: kept here as well, it would push others out. */
export function readFacts(text: string): readonly Fact[] {
  const found: Fact[] = []
  const taken = new Uint8Array(text.length)
  const free = (match: RegExpExecArray) => !taken.subarray(match.index, match.index + match[0].length).includes(1)
  const add = (fact: Omit<Fact, 'raw'>) => {
    taken.fill(1, fact.start, fact.end)
    found.push({ ...fact, raw: text.slice(fact.start, fact.end) })
  }
  const scan = ({ pattern, read }: Reader) => {
    for (const match of text.matchAll(pattern)) {
      const fact = free(match) ? read(match) : undefined
      if (fact === undefined) continue
      const { length = match[0].length, ...rest } = fact
      add({ ...rest, start: match.index, end: match.index + length })
    }
  }

  const hasDigits = DIGITS.test(text)
  for (const pattern of hasDigits ? NO_FACTS : [])
    for (const match of text.matchAll(pattern)) taken.fill(1, match.index, match.index + match[0].length)
  ADDRESSES.forEach(scan)
  for (const date of datesIn(text, taken)) add({ kind: 'date', ...date })
  for (const reader of hasDigits ? OTHERS : WITHOUT_DIGITS) scan(reader)
  for (const match of hasDigits ? text.matchAll(NUMBER) : []) if (free(match)) add(quantityAt(text, match.index, match[0]))
  for (const match of text.matchAll(NUMBER_WORDS)) {
    const fact = quantityAt(text, match.index, match[0])
    // "One" without a unit is nearly always a pronoun.
    if (free(match) && (fact.unit !== undefined || fact.amount !== '1')) add(fact)
  }
  return [...found, ...quotesIn(text)].sort((a, b) => a.start - b.start || a.end - b.end)
}

type Reader = {
  readonly pattern: RegExp
  readonly read: (match: RegExpExecArray) => (Pick<Fact, 'kind' | 'value'> & { readonly length?: number }) | undefined
}

/** Most sentences hold none, nor a code without: then there is little to look for. */
const DIGITS = /[\d_]|[A-Za-z-]{81}/
const NO_FACTS = [PLACEHOLDER, CITATION, LIST_NUMBER]

const readUrl: Reader['read'] = (match) => {
  const url = trimUrl(match[0])
  return { kind: 'url', value: normalUrl(url), length: url.length }
}

const ADDRESSES: readonly Reader[] = [
  { pattern: EMAIL, read: (match) => ({ kind: 'email', value: match[0].toLowerCase().replace(/[.-]+$/, '') }) },
  { pattern: URL, read: readUrl },
  { pattern: BARE_DOMAIN, read: readUrl },
]

const WEEKDAYS: Reader = {
  pattern: WEEKDAY,
  read: (match) => ({ kind: 'weekday', value: match[1]!.slice(0, 3).toLowerCase() }),
}
const AROUND_THE_CLOCK: Reader = { pattern: ROUND_THE_CLOCK, read: () => ({ kind: 'time', value: '24/7' }) }
const WITHOUT_DIGITS = [AROUND_THE_CLOCK, WEEKDAYS]

/** In this order, behind dates and before plain numbers: an earlier reader keeps its characters. */
const OTHERS: readonly Reader[] = [
  AROUND_THE_CLOCK,
  { pattern: BRACKETED, read: (match) => ({ kind: 'code', value: match[0].toLowerCase().replace(/[()]/g, '') }) },
  WEEKDAYS,
  {
    pattern: PHONE,
    read: (match) => (looksLikePhone(match[0]) ? { kind: 'phone', value: match[0].replace(/\D/g, '') } : undefined),
  },
  { pattern: TIME, read: (match) => timeOf(match[1]!, match[2], match[3]) },
  { pattern: TOKEN, read: (match) => codeOf(match[0]) },
]

function quotesIn(text: string): Fact[] {
  return [...text.matchAll(QUOTED)].flatMap((match) => {
    const raw = match.slice(1).find((group) => group !== undefined)!
    const value = normalWords(raw)
    return value.length > 1
      ? [{ kind: 'quote' as const, value, raw, start: match.index, end: match.index + match[0].length }]
      : []
  })
}

/** Letters, digits and what joins them, in lower case and separated by single spaces: how quoted words are compared. */
export const normalWords = (text: string): string =>
  text
    .toLowerCase()
    .replace(/\s?[’‘']/g, "'")
    .replace(/[^\p{L}\p{N}$€£%'+#@/.-]+/gu, ' ')
    .replace(/(?<![.'-])[.'-]+(?= |$)/g, '')
    .trim()

function trimUrl(url: string): string {
  const closing = url.indexOf(')')
  const whole = closing !== -1 && !url.slice(0, closing).includes('(') ? url.slice(0, closing) : url
  return whole.replace(/[.,;:!?*_~)]{1,8}$/, '')
}

/** Without scheme, `www.` and closing slash: people write all of these for one page. */
export const normalUrl = (url: string): string => {
  const bare = url
    .replace(/^https?:\/\//i, '')
    .replace(/^www\./i, '')
    .replace(/\/$/, '')
  const slash = bare.indexOf('/')
  return slash === -1 ? bare.toLowerCase() : bare.slice(0, slash).toLowerCase() + bare.slice(slash)
}

function looksLikePhone(raw: string): boolean {
  const digits = raw.replace(/\D/g, '').length
  if (digits < 7 || digits > 15) return false
  if (raw.startsWith('+') || raw.startsWith('(')) return digits >= 8
  if (/^\d{3}-\d{4}$/.test(raw)) return true
  return digits >= 9 && (!raw.includes(' ') || raw.startsWith('0')) && !/^\d+\.\d+$/.test(raw)
}

function timeOf(
  hours: string,
  minutes: string | undefined,
  half: string | undefined,
): { kind: 'time'; value: string } | undefined {
  if (minutes === undefined && half === undefined) return undefined
  const afternoon = half?.toLowerCase() === 'p' ? 12 : 0
  const hour = half === undefined ? Number(hours) : (Number(hours) % 12) + afternoon
  return hour > 24 || Number(minutes ?? 0) > 59
    ? undefined
    : { kind: 'time', value: `${String(hour).padStart(2, '0')}:${minutes ?? '00'}` }
}

/** Ids, error codes and versions; undefined for plain words and for numbers, which are read elsewhere. */
function codeOf(token: string): { kind: 'code' | 'version'; value: string } | undefined {
  if (token.length > MAX_CODE_CHARACTERS) return { kind: 'code', value: token.toLowerCase() }
  if (/^v\d+(?:\.\d+)*$/i.test(token)) return { kind: 'version', value: token.slice(1) }
  const code = { kind: 'code', value: normalCode(token) } as const
  if (!/\d/.test(token)) return token.includes('_') ? code : undefined
  if (/^[\d.-]+$/.test(token)) return undefined
  if (/^[a-z]{2,}(?:-[a-z]+)*-\d/.test(token)) return undefined
  if (/^\d+-to-\d+/.test(token)) return undefined
  const behind = /^\d+(?:\.\d+)?(-?)([A-Za-z]+)(?:-[a-z]+)*$/.exec(token)
  if (behind === null || /^0x/i.test(token)) return code
  const [, hyphen, word] = behind
  const known = measureOf(word!) ?? durationOf(word!) ?? currencyOf(word!) ?? magnitudeOf(word!)
  return known !== undefined || /^(?:st|nd|rd|th|s|k|bn|x)$/i.test(word!) || (hyphen === '-' && /^[a-z]/.test(word!))
    ? undefined
    : code
}

/** `LK-204`, `lk 204` and `LK204` are one code. */
export const normalCode = (token: string): string => token.toLowerCase().replace(/[-_ ]/g, '')
