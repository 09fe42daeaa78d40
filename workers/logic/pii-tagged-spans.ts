import type { READABLE_KINDS } from '#shared/domain/tenant-privacy.ts'
import { findPersonalData } from './find-personal-data.ts'
import { classOf, isEveryday, namesOf } from './pii-gazetteer.ts'
import { kindOf } from './pii-looks.ts'
import { isReference, type PiiSpan, type PiiType } from './pii-patterns.ts'
import type { TaggedType, TypedSpan } from './pii-tagger.ts'

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
  const smallNouns = !GERMAN.test(text)
  for (const { type, start, end } of findPersonalData(text)) {
    const masked = types.get(type)
    if (masked !== undefined && isPlausible(text, { type, start, end }, smallNouns)) yield { type: masked, start, end }
  }
}

/**
 * The tagger learnt on texts about people. In a message about things, what it takes for a name must look like one, or hardly a
 * product would keep its own.
 */
function isPlausible(text: string, { type, start, end }: TypedSpan, smallNouns: boolean): boolean {
  const value = text.slice(start, end)
  if (type === 'PERSON')
    return isNameLike(value, text.slice(Math.max(0, start - 24), start), smallNouns) && !TEAM.test(text.slice(end, end + 12))
  if (type === 'STREET_ADDRESS') return isAddressLike(value)
  if (type === 'ZIP_CODE') return /\d{4}/.test(value) && ZIP_CUE.test(text.slice(Math.max(0, start - 16), start))
  if (type === 'PHONE_NUMBER')
    return (value.match(/\d/g)?.length ?? 0) >= 7 && !isReference(text.slice(Math.max(0, start - 40), start))
  return true
}
const ZIP_CUE =
  /(?:zip(?: ?code)?|post(?:al|leit)? ?(?:code|zahl)|plz|code postal|código postal|cap|postnummer)[ :]{0,3}(?:is )?$/i

const wordsOf = (text: string) => text.match(/[\p{L}\p{M}]+/gu) ?? []
/** Second words of products. */
const THINGS = new Set(
  'kit hub sensor lock camera bridge plug bulb switch plan app pro plus mini max care cloud home guard light button remote speaker display'.split(
    ' ',
  ),
)

/** "Hello Larkspur team" greets a company. */
const TEAM = /^ (?:team|support|service|staff|crew)(?!\p{L})/iu

/** Names of assistants, colours and parts of the world, where they stand alone. */
const NOBODY = new Set('alexa siri cortana bixby amber america asia africa europa'.split(' '))

function isNameLike(value: string, before: string, smallNouns: boolean): boolean {
  if (value.includes('\n') || /\d/.test(value)) return false
  const words = wordsOf(value)
  const isCapital = (word: string) => word !== word.toLowerCase()
  if (words.length === 0 || !words.some(isCapital)) return false
  const kinds = words.map((word) => classOf(word.toLowerCase()))
  const last = wordsOf(before).at(-1)?.toLowerCase() ?? ''
  const isCalled = (word: string, at: number) =>
    kinds[at] === 'given' || (isCapital(word) && kinds[at] === '' && (namesOf(word.toLowerCase()) & GIVEN) === 1)
  const alone = words.length === 1 ? words[0]!.toLowerCase() : ''
  if ((isEveryday(alone) || NOBODY.has(alone)) && classOf(last) !== 'title' && classOf(last) !== 'kin') return false
  if (words.some(isCalled)) return words.every(isCapital) || words.length > 1
  const unheardOf = words.every(
    (word, at) =>
      (kinds[at] === '' && /^\p{Lu}[\p{Ll}\p{M}]/u.test(word) && !THINGS.has(word.toLowerCase())) || PARTICLES.has(word),
  )
  return unheardOf && (classOf(last) === 'title' || (smallNouns && (words.length > 1 || classOf(last) === 'kin')))
}
/** Of the bits of `namesOf`: a given name, and not a city or an everyday word. */
const GIVEN = 1 | 4 | 8
const PARTICLES = new Set('de del della di da dos das du van von der den zu la le el al bin ibn y e ten ter'.split(' '))

/** Every noun has a capital there, so capitals say nothing. */
const GERMAN = /(?<!\p{L})(?:der|die|das|und|ich|nicht|ist|ein|eine|mein|meine|wie|bitte)(?!\p{L})/iu

function isAddressLike(value: string): boolean {
  if (!/\d/.test(value)) return false
  const words = wordsOf(value)
  const kinds = words.map((word) => kindOf(word.toLowerCase()))
  if (kinds.includes('month')) return false
  const isPlace = (word: string, at: number) =>
    word !== word.toLowerCase() && ['', 'rare', 'city', 'country', 'state', 'streetish'].includes(kinds[at]!)
  if (kinds.some((kind) => kind === 'street' || kind === 'unit' || kind === 'streetish'))
    return words.some(isPlace) || words.length <= 2
  return /[,\n]/.test(value) && words.filter(isPlace).length >= 2
}

/** Numbers by a tenant's shapes: `#` a digit, `@` a letter, everything else itself. */
export function* identifiersOf(text: string, shapes: readonly string[]): Generator<PiiSpan> {
  for (const shape of shapes) {
    const body = [...shape]
      .map((sign) => (sign === '#' ? '\\d' : sign === '@' ? '\\p{L}' : sign.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')))
      .join('')
    for (const match of text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}])${body}(?![\\p{L}\\p{N}])`, 'giu')))
      yield { type: 'IDENTIFIER', start: match.index, end: match.index + match[0].length }
  }
}
