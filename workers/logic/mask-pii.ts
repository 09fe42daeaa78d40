import type { Placeholder } from '#shared/domain/screened.ts'
import { READABLE_KINDS, type TenantPrivacy } from '#shared/domain/tenant-privacy.ts'
import type { PersonalData, PersonalKind } from '#shared/ports/personal-data-finder.ts'
import { driverLicences, nationalIds } from './pii-official-ids.ts'
import {
  cards,
  emails,
  ibans,
  literalTokens,
  networkAddresses,
  type PiiSpan,
  secretUrls,
  socialSecurityNumbers,
  TOKEN,
} from './pii-patterns.ts'
import { datesOfBirth, introducedNames, secrets } from './pii-patterns-labelled.ts'
import { phones } from './pii-phones.ts'
import { identifiersOf, taggedSpans } from './pii-tagged-spans.ts'

export type Masked = { text: string; placeholders: Placeholder[] }
export type MaskOptions = {
  /** Who wrote it: their name and address are masked wherever they stand. */
  requester?: { name?: string | undefined; email?: string | undefined } | undefined
  /** Those of an earlier text of the same ticket: the same value keeps its token. They come back at the head of the result. */
  placeholders?: readonly Placeholder[]
  /** What the tenant wants masked beyond what identifies or reaches a person. */
  privacy?: TenantPrivacy | undefined
  /** What somebody else found in the text; masked like what the tagger finds. */
  found?: readonly PersonalData[]
}

/** Earlier finders win where two claim the same characters. */
const FINDERS: readonly ((text: string) => Iterable<PiiSpan>)[] = [
  literalTokens,
  secretUrls,
  secrets,
  emails,
  ibans,
  cards,
  socialSecurityNumbers,
  nationalIds,
  driverLicences,
  datesOfBirth,
  phones,
  networkAddresses,
  introducedNames,
]

/**
 * Replaces personal data by tokens such as `[EMAIL_1]`; `restorePii` undoes it exactly. The same value gets the same token within
 * a ticket. Token-shaped text that the customer wrote is masked as `[LITERAL_n]`, so every token in a masked text is ours.
 * Once a value is known to be personal it is masked wherever it stands as a word of its own, also where nothing labels it.
 */
export function maskPii(text: string, options: MaskOptions = {}): Masked {
  const placeholders = [...(options.placeholders ?? [])]
  const tokens = new Map(placeholders.map(({ type, value, token }) => [`${type} ${value}`, token]))
  const counts = new Map<string, number>()
  for (const { type, token } of placeholders) counts.set(type, Math.max(counts.get(type) ?? 0, Number(/\d+/.exec(token)?.[0])))

  const found = claim(text.length, candidates(text, options))
  let masked = ''
  let at = 0
  for (const { type, start, end } of found) {
    const value = text.slice(start, end)
    let token = tokens.get(`${type} ${value}`)
    if (token === undefined) {
      const number = (counts.get(type) ?? 0) + 1
      token = `[${type}_${number}]`
      counts.set(type, number)
      tokens.set(`${type} ${value}`, token)
      placeholders.push({ token, type, value })
    }
    masked += text.slice(at, start) + token
    at = end
  }
  return { text: masked + text.slice(at), placeholders }
}

/** Puts the values back: in one pass, so a value that looks like a token stays as it is. Unknown tokens stay, too. */
export function restorePii(text: string, placeholders: readonly Placeholder[]): string {
  const values = new Map(placeholders.map(({ token, value }) => [token, value]))
  return text.replace(TOKEN, (token) => values.get(token) ?? token)
}

/** All that may be personal, the most certain first; spans may overlap. */
function* candidates(text: string, { requester, placeholders = [], privacy, found = [] }: MaskOptions): Generator<PiiSpan> {
  const known = new Map<string, PiiSpan['type']>()
  for (const { type, value } of placeholders) if (type !== 'LITERAL') known.set(value, type as PiiSpan['type'])
  const notNames = new Set(privacy?.notNames.map((name) => name.toLowerCase()))
  const finders = [
    ...FINDERS,
    (all: string) => identifiersOf(all, privacy?.identifiers ?? []),
    (all: string) => taggedSpans(all, privacy?.alsoMask ?? []),
    () => found.flatMap((span) => spanOf(span, privacy?.alsoMask ?? [])),
  ]
  for (const find of finders) {
    for (const span of find(text)) {
      if (span.type === 'PERSON' && notNames.has(text.slice(span.start, span.end).toLowerCase())) continue
      if (span.type !== 'LITERAL') known.set(text.slice(span.start, span.end), span.type)
      yield span
    }
  }
  for (const name of requesterNames(requester?.name)) known.set(name, 'PERSON')
  if (requester?.email) known.set(requester.email, 'EMAIL')
  yield* occurrences(text, known)
}

const TYPES: Readonly<Record<PersonalKind, PiiSpan['type']>> = {
  person: 'PERSON',
  address: 'ADDRESS',
  email: 'EMAIL',
  phone: 'PHONE',
  card: 'CARD',
  iban: 'IBAN',
  ssn: 'SSN',
  ip: 'IP',
  mac: 'MAC',
  'national-id': 'NATIONAL_ID',
  'driver-licence': 'DRIVER_LICENCE',
  identifier: 'IDENTIFIER',
  place: 'PLACE',
  organisation: 'ORGANISATION',
  date: 'DATE',
  nationality: 'NATIONALITY',
  'web-address': 'WEB',
}
const isReadable = (kind: string): kind is (typeof READABLE_KINDS)[number] => (READABLE_KINDS as readonly string[]).includes(kind)

/** What merely narrows down who somebody is stays readable unless the tenant asked for it, whoever found it. */
const spanOf = ({ kind, start, end }: PersonalData, alsoMask: readonly (typeof READABLE_KINDS)[number][]): PiiSpan[] =>
  isReadable(kind) && !alsoMask.includes(kind) ? [] : [{ type: TYPES[kind], start, end }]

/** Given names that are words, too: masked within the full name only. */
const WORDS = new Set(
  'will mark may grace bill art rose hope faith joy pat rich frank sue chase dean page grant price long young king brown white black green april june august an my de van von la le el al'.split(
    ' ',
  ),
)

function requesterNames(name: string | undefined): string[] {
  const full = name?.normalize('NFC').trim() ?? ''
  const parts = full.split(/\s+/).filter((part) => part.length >= 3 && !WORDS.has(part.toLowerCase()))
  return [full, ...parts].filter((part) => part.length >= 2 && !WORDS.has(part.toLowerCase()) && /\p{L}/u.test(part))
}

const WORD = /[\p{L}\p{N}]+/gu

/**
 * Where known values stand as words of their own (any case for names and addresses). Looks values up by their first word, longest
 * first, so the time is that of the text, not text times values.
 */
function* occurrences(text: string, known: ReadonlyMap<string, PiiSpan['type']>): Generator<PiiSpan> {
  if (known.size === 0) return
  const byFirstWord = Map.groupBy(known, ([value]) => value.match(WORD)?.[0]?.toLowerCase() ?? '')
  for (const values of byFirstWord.values()) values.sort(([a], [b]) => b.length - a.length)
  for (const word of text.matchAll(WORD)) {
    for (const [value, type] of byFirstWord.get(word[0].toLowerCase()) ?? []) {
      const start = word.index - value.search(WORD_START)
      const end = start + value.length
      const there = text.slice(Math.max(0, start), end)
      const same = type === 'PERSON' || type === 'EMAIL' ? there.toLowerCase() === value.toLowerCase() : there === value
      if (!same || WORD_END.test(text.slice(end, end + 2)) || there.trim() === '') continue
      yield { type, start, end }
      break
    }
  }
}
const WORD_START = /[\p{L}\p{N}]/u
const WORD_END = /^[\p{L}\p{N}]/u

/** The spans that do not overlap one claimed before, in the order of the text. */
function claim(length: number, spans: Iterable<PiiSpan>): PiiSpan[] {
  const taken = new Uint8Array(length)
  const kept: PiiSpan[] = []
  for (const span of spans) {
    if (span.start < 0 || span.end > length || span.start >= span.end || taken.subarray(span.start, span.end).includes(1))
      continue
    taken.fill(1, span.start, span.end)
    kept.push(span)
  }
  return kept.sort((a, b) => a.start - b.start)
}
