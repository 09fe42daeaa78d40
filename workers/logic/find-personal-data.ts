import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { likelySpans, namedAgain, withoutCountries, withoutDirection } from './pii-likely.ts'
import { driverLicences } from './pii-official-ids.ts'
import { cards, emails, ibans, networkAddresses, type PiiType, socialSecurityNumbers } from './pii-patterns.ts'
import { introducedNames } from './pii-patterns-labelled.ts'
import { phones } from './pii-phones.ts'
import { TAGS, type TaggedType, type TypedSpan, tagText } from './pii-tagger.ts'
import { readModel, type TaggerModel } from './pii-tagger-model.ts'

/** What a checksum or a shape proves is not left to a guess. */
const PROVEN: Readonly<Partial<Record<PiiType, TaggedType>>> = {
  EMAIL: 'EMAIL_ADDRESS',
  IBAN: 'IBAN_CODE',
  CARD: 'CREDIT_CARD',
  SSN: 'US_SSN',
  IP: 'IP_ADDRESS',
  DRIVER_LICENCE: 'US_DRIVER_LICENSE',
}
/** Patterns that know a kind of writing, not a proof: used where the tagger sees nothing. */
const LIKELY: Readonly<Partial<Record<PiiType, TaggedType>>> = { PHONE: 'PHONE_NUMBER', PERSON: 'PERSON' }
const ADDRESS_OF_PAGE = /(?<![\p{L}\p{N}@])(?:https?:\/\/|www\.)[^\s<>"'`]{3,2000}/giu
const TRAILING = /[.,;:!?)\]}]$/

/** What a span of these types must look like whatever the tagger thinks; each is linear. */
const SHAPES: Readonly<Partial<Record<TaggedType, { test(found: string): boolean }>>> = {
  IBAN_CODE: /^[A-Z]{2}\d{2}[A-Z\d -]{8,40}$/i,
  EMAIL_ADDRESS: /@/,
  DOMAIN_NAME: /^[^\s@]{1,200}\.[^\s@]{2,200}$/,
  CREDIT_CARD: /^(?:\d[ -]?){11,18}\d$/,
  IP_ADDRESS: { test: (found) => isIP(found) > 0 || isPaddedIPv4(found) },
  US_SSN: /^\d{3}([ -])\d{2}\1\d{4}$/,
  US_DRIVER_LICENSE: /\d{3}/,
  PHONE_NUMBER: /^(?:[^\d]{0,3}\d){6,18}[^\d]{0,2}$/,
  ZIP_CODE: /\d/,
  AGE: /^\d{1,3}$/,
  PERSON: /\p{L}/u,
  ORGANIZATION: /\p{L}{2}/u,
  GPE: /^(?=.{0,400}\p{L}{2})\P{N}{2,400}$/su,
  TITLE: /\p{L}/u,
  NRP: /\p{L}{3}/u,
  DATE_TIME: /^(?!\d{5,30}$)/,
}

/** `192.168.001.010`; a phone number can be written with dots, too, but not in four parts of three digits below 256. */
function isPaddedIPv4(found: string): boolean {
  const parts = found.split('.')
  return parts.length === 4 && parts.every((part) => /^\d{3}$/.test(part) && Number(part) < 256)
}

export const TAGGER_FILE = new URL('./pii-tagger-weights.bin', import.meta.url)
/**
 * Types that stand in more of the training sentences than in what people write must win by more. Chosen by five folds over templates, so
 * that `hint3` bears it.
 */
const LEANINGS: Readonly<Partial<Record<TaggedType, number>>> = {
  GPE: -250,
  NRP: -100,
  ORGANIZATION: -130,
  STREET_ADDRESS: -50,
  ZIP_CODE: -50,
}
export const leanings = Float64Array.from(TAGS, (tag) => (tag.startsWith('B-') ? (LEANINGS[tag.slice(2) as TaggedType] ?? 0) : 0))
let shipped: TaggerModel | undefined

/** The weights that `node cli/eval/train-pii.ts` wrote. @throws Error when the file is damaged */
export function shippedTagger(): TaggerModel {
  shipped ??= { ...readModel(readFileSync(TAGGER_FILE)), leanings }
  return shipped
}

/** What patterns find, as hints for the tagger and as proofs beside it. */
export const patternSpans = (text: string) =>
  [emails, ibans, cards, socialSecurityNumbers, phones, networkAddresses, driverLicences, introducedNames].flatMap((find) => [
    ...find(text),
  ])

/**
 * Everything in a text that tells who somebody is or how to reach them, and what merely narrows it down (place, employer, age,
 * dates), by the types of the public evaluation data. Proofs first, then the tagger, then the other patterns; spans do not overlap.
 */
export function findPersonalData(text: string, model: TaggerModel = shippedTagger()): TypedSpan[] {
  const patterns = patternSpans(text)
  const named = (types: Readonly<Partial<Record<PiiType, TaggedType>>>) =>
    patterns.flatMap(({ type, start, end }) => (types[type] ? [{ type: types[type], start, end }] : []))
  const tagged = tagText(model, text, patterns)
    .filter(({ type, start, end }) => SHAPES[type]?.test(text.slice(start, end)) ?? true)
    .map((span) => withoutDirection(text, withoutCountries(text, span)))
  const kept: TypedSpan[] = []
  const taken = new Uint8Array(text.length)
  const claim = (spans: readonly TypedSpan[]) => {
    for (const span of spans) {
      if (taken.subarray(span.start, span.end).includes(1)) continue
      taken.fill(1, span.start, span.end)
      kept.push(span)
    }
  }
  claim([...named(PROVEN), ...pageAddresses(text), ...tagged, ...named(LIKELY), ...likelySpans(text)])
  claim(namedAgain(text, kept))
  return kept.sort((a, b) => a.start - b.start)
}

function pageAddresses(text: string): TypedSpan[] {
  return [...text.matchAll(ADDRESS_OF_PAGE)].map((match) => {
    let end = match.index + match[0].length
    while (TRAILING.test(text[end - 1]!)) end--
    return { type: 'DOMAIN_NAME', start: match.index, end }
  })
}
