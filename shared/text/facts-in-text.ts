import { datesIn } from './dates-in-text.ts'
import { magnitudeOf, NUMBER_WORDS, numberInWords } from './number-words.ts'
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
const ROUND_THE_CLOCK = /\b24 ?\/ ?7\b|\b24 hours a day\b|\b(?:a)?round[ -]the[ -]clock\b/gi
/** `401(k)` and `401k` are one name. */
const BRACKETED = /(?<![\p{L}\p{N}])\d{1,5}\([a-z]\)/giu
const WEEKDAY = /\b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b/g
const TOKEN = /[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+|\.[0-9][A-Za-z0-9]*)*/g
const NUMBER = /(?:\d{1,3}(?:,\d{3}){1,6}(?!\d)|\d{1,20})(?:\.\d{1,12}){0,4}/g
const QUOTED =
  /"([^"\n]{2,160})"|“([^”\n]{2,160})”|«([^»\n]{2,160})»|(?<!`)`([^`\n]{2,160})`(?!`)|(?<![\p{L}\p{N}'])[‘'](?!(?:s|t|d|m|ll|re|ve)\b)([^\s'‘’][^'‘’\n]{1,80})[’'](?![\p{L}\p{N}'])/gu

const MAX_CODE_CHARACTERS = 80

/**
 * The checkable items of a text in order: numbers with their units, prices, dates, codes, addresses, quoted words. Quoted words
 * overlap with what stands inside them; all else does not overlap. List numbers, `[1]` and placeholders such as `[EMAIL_1]` are
 * no facts. Words and formats are English, digits and symbols any language's. Linear in the text.
 */
export function factsIn(text: string): Fact[] {
  const found: Fact[] = []
  const taken = new Uint8Array(text.length)
  const free = (start: number, end: number) => !taken.subarray(start, end).includes(1)
  const add = (fact: Omit<Fact, 'raw'>) => {
    taken.fill(1, fact.start, fact.end)
    found.push({ ...fact, raw: text.slice(fact.start, fact.end) })
  }
  const scan = (
    pattern: RegExp,
    read: (match: RegExpExecArray) => (Omit<Fact, 'raw' | 'start' | 'end'> & { length?: number }) | undefined,
  ) => {
    for (const match of text.matchAll(pattern)) {
      const fact = free(match.index, match.index + match[0].length) ? read(match) : undefined
      if (fact === undefined) continue
      const { length = match[0].length, ...rest } = fact
      add({ ...rest, start: match.index, end: match.index + length })
    }
  }

  for (const pattern of [PLACEHOLDER, CITATION, LIST_NUMBER]) {
    for (const match of text.matchAll(pattern)) taken.fill(1, match.index, match.index + match[0].length)
  }
  if (text.includes('@')) scan(EMAIL, (match) => ({ kind: 'email', value: match[0].toLowerCase().replace(/[.-]+$/, '') }))
  for (const pattern of [URL, BARE_DOMAIN]) {
    scan(pattern, (match) => {
      const url = trimUrl(match[0])
      return { kind: 'url', value: normalUrl(url), length: url.length }
    })
  }
  for (const date of datesIn(text, taken)) add({ kind: 'date', ...date })
  scan(ROUND_THE_CLOCK, () => ({ kind: 'time', value: '24/7' }))
  scan(BRACKETED, (match) => ({ kind: 'code', value: match[0].toLowerCase().replace(/[()]/g, '') }))
  scan(WEEKDAY, (match) => ({ kind: 'weekday', value: match[1]!.slice(0, 3).toLowerCase() }))
  scan(PHONE, (match) => (looksLikePhone(match[0]) ? { kind: 'phone', value: match[0].replace(/\D/g, '') } : undefined))
  scan(TIME, (match) => timeOf(match[1]!, match[2], match[3]))
  scan(TOKEN, (match) => codeOf(match[0]))
  for (const match of text.matchAll(NUMBER))
    if (free(match.index, match.index + match[0].length)) add(quantityAt(text, match.index, match[0]))
  for (const match of text.matchAll(NUMBER_WORDS)) {
    const fact = quantityAt(text, match.index, match[0])
    // "One" without a unit is nearly always a pronoun; so is "the two".
    if (free(match.index, match.index + match[0].length) && (fact.unit !== undefined || fact.amount !== '1')) add(fact)
  }
  for (const match of text.matchAll(QUOTED)) {
    const words = match.slice(1).find((group) => group !== undefined)!
    const value = normalWords(words)
    if (value.length > 1) found.push({ kind: 'quote', value, raw: words, start: match.index, end: match.index + match[0].length })
  }
  return found.sort((a, b) => a.start - b.start || a.end - b.end)
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

const CURRENCY_BEFORE = /(US\$|CA\$|AU\$|A\$|C\$|[$€£¥₹]|\b(?:USD|EUR|GBP|CAD|AUD|CHF) ?) ?$/
const MAGNITUDE = /^ ?(hundred|thousand|million|billion|trillion|k|bn|m)(?![\p{L}\p{N}])/iu
const UNIT =
  /^(?:[ \u00A0\u202F-]?|\s{1,4}(?=\p{L}{3}))(?:(business|working)[ -])?(per cent|percent|°[CF]|[\p{L}]{1,14}|[%€£$°℃])(?![\p{L}\p{N}])/u
const PER = /^[^\S\n]*(?:per|a|an|each|every|\/) ?(?:hub and )?([\p{L}]{2,10})/u
const WORD_BEFORE = /([\p{L}][\p{L}\p{N}]{0,30})[ -]$/u

/** Reads what stands around the number `raw` at `start`: currency, magnitude, unit, period, or the name that it belongs to. */
function quantityAt(text: string, start: number, raw: string): Omit<Fact, 'raw'> {
  const before = text.slice(Math.max(0, start - 34), start)
  let end = start + raw.length
  const written = /^\d/.test(raw)
  const digits = written ? raw.replaceAll(',', '') : String(numberInWords(raw))
  if (digits.split('.').length > 2) return { kind: 'version', value: digits, start, end }
  if (/\b(?:versions?|firmware|release|v\.?) $/i.test(before) && digits.includes('.'))
    return { kind: 'version', value: digits, amount: plain(digits), start, end }

  const symbol = CURRENCY_BEFORE.exec(before)
  const magnitude = MAGNITUDE.exec(text.slice(end, end + 14))
  const short = magnitude !== null && magnitude[1]!.length < 3
  let factor = 1
  // A single "m" is a metre unless it is money.
  if (
    magnitude !== null &&
    (!short || symbol !== null || (magnitude[1]!.toLowerCase() === 'k' && !magnitude[0].startsWith(' ')))
  ) {
    factor = magnitudeOf(magnitude[1]!) ?? { k: 1e3, m: 1e6, bn: 1e9 }[magnitude[1]!.toLowerCase()] ?? 1
    end += magnitude[0].length
  }
  const negative = /(?:^|[\s(])[-−]$/.test(before) ? '-' : ''
  const amount = negative + plain(digits, factor)
  const unit = UNIT.exec(text.slice(end, end + 34))
  const unitEnd = unit === null ? end : end + unit[0].length
  const currency = symbol === null ? unit && currencyOf(unit[2]!) : currencyOf(symbol[1]!.trim())
  if (currency) {
    const priceEnd = symbol === null ? unitEnd : end
    const per = PER.exec(text.slice(priceEnd, priceEnd + 24))?.[1]
      ?.toLowerCase()
      .replace(/ly$|s$/, '')
    const period = per !== undefined && (durationOf(per) || /^(?:user|hub|seat|device|month|year)$/.test(per)) ? { per } : {}
    return {
      kind: 'price',
      value: `${amount} ${currency}`,
      amount,
      unit: currency,
      ...period,
      start: start - (symbol?.[0].length ?? 0),
      end: priceEnd,
    }
  }
  if (unit !== null && /^(?:%|per ?cent)$/.test(unit[2]!))
    return { kind: 'percent', value: `${amount} %`, amount, unit: '%', start, end: unitEnd }
  // "1980s" is a decade, not half an hour.
  const decade = unit?.[0] === 's' && /^[12]\d{3}$/.test(digits)
  const duration = unit === null || decade ? undefined : durationOf(unit[2]!)
  if (duration) {
    const name = unit![1] === undefined ? duration[0] : `working ${unit![2]!.toLowerCase().replace(/s$/, '')}`
    const scaled = unit![1] === undefined ? negative + plain(digits, factor * duration[1]) : amount
    return { kind: 'duration', value: `${scaled} ${name}`, amount, unit: name, start, end: unitEnd }
  }
  const measure = unit === null ? undefined : measureOf(unit[2]!)
  if (measure !== undefined) return { kind: 'number', value: `${amount} ${measure}`, amount, unit: measure, start, end: unitEnd }
  const name = WORD_BEFORE.exec(before)?.[1]
  return { kind: 'number', value: amount, amount, ...(name === undefined ? {} : { before: name }), start, end }
}

/** `007.50` times 1 -> `7.5`; numbers too long for arithmetic (order numbers) keep their digits. */
function plain(digits: string, factor = 1): string {
  return digits.length > 15 ? digits : String(Number((Number(digits) * factor).toPrecision(12)))
}
