import { classOf } from './pii-gazetteer.ts'
import { hintSpans } from './pii-hints.ts'
import type { TypedSpan } from './pii-tagger.ts'

/*
 * Writing that tells its kind by its form alone, for where the tagger saw nothing. Every repetition is bounded and begins behind a
 * look-behind, so time is that of the text.
 */

const NAME = "\\p{Lu}[\\p{L}\\p{M}.'’-]{0,24}"
const STREET =
  '(?:[Ss]treet|[Ss]t\\.?|[Rr]oad|[Rr]d\\.?|[Aa]venue|[Aa]ve\\.?|[Ll]ane|[Ll]n\\.?|[Dd]rive|[Bb]oulevard|[Bb]lvd\\.?|[Cc]ourt|[Tt]errace|[Cc]rescent|[Ss]quare|[Hh]ighway|[Pp]arkway|[Ww]ay|[Cc]lose|[Gg]ardens|\\p{L}{3,20}(?:stra(?:ß|ss)e|str\\.|weg|gasse|allee|gatan|vägen|veien|vej|straat|laan))'
const LED =
  '(?:[Rr]ue|[Aa]venue|[Aa]v(?:da)?\\.?|[Bb]oulevard|[Cc]hemin|[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso|[Cc]alle|[Cc]arrera|[Pp]aseo|[Rr]ua|[Tt]ravessa|[Pp]laza|ul\\.|[Uu]lica)'
const ADDRESSES: readonly RegExp[] = [
  new RegExp(
    `(?<![\\p{L}\\p{N}.,-])\\d{1,5}[a-z]?(?: \\d{1,4})?(?: ${NAME}){0,3} ${STREET}(?![\\p{L}\\p{N}])(?: \\d{1,4}[a-z]?(?![\\p{L}\\p{N}]))?`,
    'gu',
  ),
  new RegExp(
    `(?<![\\p{L}\\p{N}.,-])(?:\\d{1,5},? )?${LED}(?: (?:de|du|des|della|del|dei|do|da|la|le|los|las|d['’])){0,2}(?: ${NAME}){1,4}(?:,? \\d{1,5}(?![\\p{L}\\p{N}]))?`,
    'gu',
  ),
  new RegExp(
    `(?<![\\p{L}\\p{N}.,-])(?:${NAME} ){0,2}\\p{Lu}\\p{L}{2,20}(?:stra(?:ß|ss)e|str\\.|weg|gasse|allee|gatan|vägen|veien|vej|straat|laan) \\d{1,4}[a-z]?(?![\\p{L}\\p{N}])`,
    'gu',
  ),
  /(?<![\p{L}\p{N}])(?:[Aa]pt|[Aa]partment|[Ss]uite|[Ff]lat|[Uu]nit)\.? ?#?\d{1,5}[A-Za-z]?(?![\p{L}\p{N}])/gu,
  /(?<![\p{L}\p{N}])(?:P\.? ?O\.? ?Box|PSC \d{1,5},? Box|Postfach|(?:[AF]PO|DPO) (?:A[AEP])) ?\d{1,6}(?![\p{L}\p{N}])/giu,
]

function* streetAddresses(text: string): Generator<TypedSpan> {
  for (const pattern of ADDRESSES)
    for (const { index, 0: match } of text.matchAll(pattern))
      if (/\p{N}/u.test(match)) yield { type: 'STREET_ADDRESS', start: index, end: index + match.length }
}

const IN_YEAR = /(?:^|[^\p{L}])(?:in|since|during|of|from|until|until|till|seit|depuis|desde|dal|sinds) $/iu

function* dates(text: string): Generator<TypedSpan> {
  for (const { type, start, end } of hintSpans(text)) {
    if (type === 'DATE' || (type === 'YEAR' && IN_YEAR.test(text.slice(Math.max(0, start - 10), start))))
      yield { type: 'DATE_TIME', start, end }
    if (type === 'AGE') yield { type: 'AGE', start, end }
  }
}

export const likelySpans = (text: string): TypedSpan[] => [...streetAddresses(text), ...dates(text), ...countries(text)]

const NAME_PART = /\p{Lu}[\p{L}\p{M}'’-]{2,40}/gu
const POSSESSIVE = /['’]s$/

/** Who was called by the full name before or after is the same person where only a part of it stands. */
export function namedAgain(text: string, spans: readonly TypedSpan[]): TypedSpan[] {
  const parts = new Set<string>()
  for (const { type, start, end } of spans)
    if (type === 'PERSON')
      for (const [part] of text.slice(start, end).matchAll(NAME_PART)) parts.add(part.replace(POSSESSIVE, ''))
  if (parts.size === 0) return []
  return [...text.matchAll(NAME_PART)].flatMap(({ index, 0: match }) => {
    const name = match.replace(POSSESSIVE, '')
    return parts.has(name) ? [{ type: 'PERSON' as const, start: index, end: index + name.length }] : []
  })
}

const DIRECTION = /^(?:north|south|east|west|northern|southern|eastern|western|central) (?=\p{Lu})/iu
/** "Southern Italy" is a part of a country, "South Africa" and "Northern Ireland" are names of their own. */
const OWN_NAMES = /^(?:ireland|australia|africa|korea|sudan|timor|cyprus|macedonia|yemen|vietnam|america|sahara)$/i

const REGIONS = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' })
const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
/** By their first words; those that are as often people, birds or a word left out. */
const COUNTRIES = Map.groupBy(
  [
    ...LETTERS.flatMap((a) => LETTERS.flatMap((b) => REGIONS.of(a + b) ?? [])),
    ...'Czech Republic|Great Britain|Holland|Ivory Coast|Burma|Macedonia|Cape Verde|East Timor|Swaziland'.split('|'),
  ].filter((name) => !/^(?:Jordan|Georgia|Chad|Turkey|Jersey|Guinea|world|.* Region)$|\d/i.test(name) && name.length > 3),
  (name) => name.split(' ')[0]!,
)
const COUNTRY_NAMES = new Set([...COUNTRIES.values()].flat())

/** "United States" is a country where a company could stand, too. */
export const withoutCountries = (text: string, span: TypedSpan): TypedSpan =>
  span.type === 'ORGANIZATION' && COUNTRY_NAMES.has(text.slice(span.start, span.end)) ? { ...span, type: 'GPE' } : span

const CAPITALISED = /(?<![\p{L}\p{N}@.-])\p{Lu}\p{L}+/gu
const ENDS_WORD = /^(?:[^\p{L}\p{N}@-]|-\P{L}|$)/u

/** Countries by their whole names. */
function* countries(text: string): Generator<TypedSpan> {
  for (const { index, 0: word } of text.matchAll(CAPITALISED)) {
    const named = COUNTRIES.get(word)?.find(
      (name) => text.startsWith(name, index) && ENDS_WORD.test(text.slice(index + name.length, index + name.length + 2)),
    )
    if (named !== undefined) yield { type: 'GPE', start: index, end: index + named.length }
  }
}

/** The place without the direction before it. */
export function withoutDirection(text: string, span: TypedSpan): TypedSpan {
  const value = text.slice(span.start, span.end)
  const direction = span.type === 'GPE' ? DIRECTION.exec(value)?.[0] : undefined
  if (direction === undefined) return span
  const rest = value.slice(direction.length).toLowerCase().split(' ')
  return rest.every((word) => classOf(word) === 'country' && !OWN_NAMES.test(word))
    ? { ...span, start: span.start + direction.length }
    : span
}
