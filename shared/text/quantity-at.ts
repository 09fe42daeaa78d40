import { magnitudeOf, numberInWords } from './number-words.ts'
import { currencyOf, durationOf, measureOf } from './units-of-measure.ts'

/** A number with what it counts; the fields are those of a `Fact`. */
export type Quantity = {
  readonly kind: 'version' | 'price' | 'percent' | 'duration' | 'number'
  readonly value: string
  readonly start: number
  readonly end: number
  readonly amount?: string
  readonly unit?: string
  readonly per?: string
  readonly before?: string
}

const CURRENCY_BEFORE = /(US\$|CA\$|AU\$|A\$|C\$|[$€£¥₹]|\b(?:USD|EUR|GBP|CAD|AUD|CHF) ?) ?$/
const MAGNITUDE = /^ ?(hundred|thousand|million|billion|trillion|k|bn|m)(?![\p{L}\p{N}])/iu
const UNIT =
  /^(?:[ \u00A0\u202F-]?|\s{1,4}(?=\p{L}{3}))(?:(business|working)[ -])?(per cent|percent|°[CF]|[\p{L}]{1,14}|[%€£$°℃])(?![\p{L}\p{N}])/u
const PER = /^[^\S\n]*(?:per|a|an|each|every|\/) ?(?:hub and )?([\p{L}]{2,10})/u
const WORD_BEFORE = /([\p{L}][\p{L}\p{N}]{0,30})[ -]$/u

const VERSION_BEFORE = /\b(?:versions?|firmware|release|v\.?) $/i
const PER_ONE = /^(?:user|hub|seat|device)$/
const SHORT_MAGNITUDES: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, bn: 1e9 }

/** Reads what stands around the number `raw` at `start`: currency, magnitude, unit, period, or the name that it belongs to. */
export function quantityAt(text: string, start: number, raw: string): Quantity {
  const before = text.slice(Math.max(0, start - 34), start)
  const digits = /^\d/.test(raw) ? raw.replaceAll(',', '') : String(numberInWords(raw))
  const bareEnd = start + raw.length
  if (digits.split('.').length > 2) return { kind: 'version', value: digits, start, end: bareEnd }
  if (digits.includes('.') && VERSION_BEFORE.test(before)) {
    return { kind: 'version', value: digits, amount: scaled(digits, 1), start, end: bareEnd }
  }
  const symbol = CURRENCY_BEFORE.exec(before)
  const magnitude = magnitudeBehind(text.slice(bareEnd, bareEnd + 14), symbol !== null)
  const end = bareEnd + magnitude.length
  const sign = /(?:^|[\s(])[-−]$/.test(before) ? '-' : ''
  const amount = sign + scaled(digits, magnitude.factor)
  const unit = UNIT.exec(text.slice(end, end + 34))
  const unitEnd = end + (unit?.[0].length ?? 0)

  const currency = symbol === null ? unit && currencyOf(unit[2]!) : currencyOf(symbol[1]!.trim())
  if (currency) {
    const priceEnd = symbol === null ? unitEnd : end
    const period = periodBehind(text.slice(priceEnd, priceEnd + 24))
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
  // "1980s" is a decade, not half an hour.
  const decade = unit?.[0] === 's' && /^[12]\d{3}$/.test(digits)
  const measured = unit === null || decade ? undefined : measuredIn(unit[2]!, unit[1] !== undefined, amount)
  if (measured) return { ...measured, amount, start, end: unitEnd }
  const name = WORD_BEFORE.exec(before)?.[1]
  return { kind: 'number', value: amount, amount, ...(name === undefined ? {} : { before: name }), start, end }
}

/** `5 million`, `$5m`, `10k`; a single "m" is a metre unless it is money, and a "k" stands directly behind its number. */
function magnitudeBehind(rest: string, isMoney: boolean): { factor: number; length: number } {
  const found = MAGNITUDE.exec(rest)
  const word = found?.[1]?.toLowerCase() ?? ''
  const counts = found !== null && (word.length > 2 || isMoney || (word === 'k' && !rest.startsWith(' ')))
  return counts ? { factor: magnitudeOf(word) ?? SHORT_MAGNITUDES[word] ?? 1, length: found[0].length } : { factor: 1, length: 0 }
}

function periodBehind(rest: string): { per?: string } {
  const per = PER.exec(rest)?.[1]
    ?.toLowerCase()
    .replace(/ly$|s$/, '')
  return per !== undefined && (durationOf(per) !== undefined || PER_ONE.test(per)) ? { per } : {}
}

function measuredIn(word: string, working: boolean, amount: string): Pick<Quantity, 'kind' | 'value' | 'unit'> | undefined {
  if (/^(?:%|per ?cent)$/.test(word)) return { kind: 'percent', value: `${amount} %`, unit: '%' }
  const duration = durationOf(word)
  if (duration && working) {
    const unit = `working ${word.toLowerCase().replace(/s$/, '')}`
    return { kind: 'duration', value: `${amount} ${unit}`, unit }
  }
  if (duration) return { kind: 'duration', value: `${scaled(amount, duration[1])} ${duration[0]}`, unit: duration[0] }
  const measure = measureOf(word)
  return measure === undefined ? undefined : { kind: 'number', value: `${amount} ${measure}`, unit: measure }
}

/** `007.50` times 1 -> `7.5`; numbers too long for arithmetic (order numbers) keep their digits. */
function scaled(digits: string, factor: number): string {
  return digits.length > 15 ? digits : String(Number((Number(digits) * factor).toPrecision(12)))
}
