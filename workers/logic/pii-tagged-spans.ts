import type { READABLE_KINDS } from '#shared/domain/tenant-privacy.ts'
import { findPersonalData } from './find-personal-data.ts'
import { classOf } from './pii-gazetteer.ts'
import type { PiiSpan, PiiType } from './pii-patterns.ts'
import type { TaggedType } from './pii-tagger.ts'

const IDENTIFYING: Readonly<Partial<Record<TaggedType, PiiType>>> = {
  PERSON: 'PERSON',
  STREET_ADDRESS: 'ADDRESS',
  ZIP_CODE: 'ADDRESS',
  PHONE_NUMBER: 'PHONE',
  EMAIL_ADDRESS: 'EMAIL',
  US_DRIVER_LICENSE: 'DRIVER_LICENCE',
}
const ON_REQUEST: Readonly<Record<(typeof READABLE_KINDS)[number], readonly [TaggedType, PiiType]>> = {
  place: ['GPE', 'PLACE'],
  organisation: ['ORGANIZATION', 'ORGANISATION'],
  date: ['DATE_TIME', 'DATE'],
  title: ['TITLE', 'TITLE'],
  age: ['AGE', 'AGE'],
  nationality: ['NRP', 'NATIONALITY'],
  'web-address': ['DOMAIN_NAME', 'WEB'],
}

/** More than a message keeps after screening; what is longer is looked at by the patterns alone. */
const MAX_TAGGED_CHARACTERS = 16_000

/**
 * What only the tagger sees: names of third parties, addresses, and what the tenant asked for. The patterns have looked before it,
 * with stricter rules for numbers: of numbers only those are taken that no pattern could have known.
 */
export function* taggedSpans(text: string, alsoMask: readonly (typeof READABLE_KINDS)[number][]): Generator<PiiSpan> {
  const types = new Map<TaggedType, PiiType>(Object.entries(IDENTIFYING) as [TaggedType, PiiType][])
  for (const kind of alsoMask) types.set(...ON_REQUEST[kind])
  if (text.length > MAX_TAGGED_CHARACTERS) return
  for (const { type, start, end } of findPersonalData(text)) {
    const masked = types.get(type)
    if (masked !== undefined && isPlausible(text.slice(start, end), type)) yield { type: masked, start, end }
  }
}

/** The tagger learnt on texts about people; in a message about things, what is made of everyday words is no name. */
function isPlausible(value: string, type: TaggedType): boolean {
  const words = value.match(/[\p{L}\p{M}]+/gu) ?? []
  if (type === 'PERSON') return words.some((word) => isNameLike(word))
  if (type === 'STREET_ADDRESS') return words.length >= 1 && /\p{N}/u.test(value)
  if (type === 'ZIP_CODE' || type === 'PHONE_NUMBER') return (value.match(/\d/g)?.length ?? 0) >= 4
  if (type === 'US_DRIVER_LICENSE') return (value.match(/\d/g)?.length ?? 0) >= 5
  return true
}

function isNameLike(word: string): boolean {
  const known = classOf(word.toLowerCase())
  if (known === 'given') return true
  return (
    word.length > 1 && (known === '' || known === 'city') && word !== word.toLowerCase() && !/\p{Ll}\p{Lu}\p{Ll}?$/u.test(word)
  )
}

/** Numbers by a tenant's shapes: `#` a digit, `@` a letter, everything else itself. */
export function* identifiersOf(text: string, shapes: readonly string[]): Generator<PiiSpan> {
  for (const shape of shapes) {
    const body = [...shape]
      .map((sign) => (sign === '#' ? '\\d' : sign === '@' ? '\\p{L}' : sign.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')))
      .join('')
    for (const match of text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}])${body}(?![\\p{L}\\p{N}])`, 'giu')))
      yield { type: 'IDENTIFIER', start: match.index, end: match.index + match[0].length }
  }
}
