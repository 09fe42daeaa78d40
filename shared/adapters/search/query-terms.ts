import { contentTerms, isIdentifier } from '#shared/text/tokenize.ts'
import type { FieldedIndex } from './fielded-index.ts'
import { slotOf } from './term-beginnings.ts'

const MAX_QUERY_CHARACTERS = 8_000
/** A customer's long letter is cut to its rarest known words before it becomes a slow search. */
const MAX_QUERY_TERMS = 64
const IDENTIFIER_WEIGHT = 1.5

/** What of a query an index knows. Arrays run parallel, by slot. */
export type QueryTerms = {
  readonly terms: Uint32Array
  /** Rarity times how often the query says it (square root); identifiers count half as much again. */
  readonly weights: Float64Array
  readonly identifiers: Uint8Array
  /** 1 for words written with a capital inside a sentence: names, as a rule. */
  readonly names: Uint8Array
  /** 1 for words that reports of any trouble share; they tell little about which trouble it is. */
  readonly boilerplate: Uint8Array
  /** Of all its words, those that no document holds included; the factor is how often it says them (square root). */
  readonly beginnings: readonly { readonly slot: number; readonly factor: number }[]
  /** Slots as they stand in the query. */
  readonly order: Int16Array
  /** 1 for slots that stand in the first third (12 words at least), 2 in the last two fifths, 3 in both. */
  readonly stretches: Uint8Array
  /** At `first * terms.length + second` the rarity of two words that stand side by side in the query, else 0. */
  readonly pairs: Float32Array
  /** Sum of all weights, those of words that no document holds included at the rarity of a single document. */
  readonly mass: number
  readonly knownMass: number
}

/** Such words are in the reports that support receives, whatever they are about. */
const BOILERPLATE: ReadonlySet<string> = new Set(
  contentTerms(
    `able account additionally also app appear assume attempt available button cause click consider contact contain correctly data
    day different display error example expect experience fail failure file find follow go happen help however information instead
    issue make may message name need new note number occur one open option page perform problem product receive resemble result return
    run scenario select service set several show similar situation start step support symptom system time try unable use user want work`,
  ),
)
const MAX_NAMED_CHARACTERS = 2_000
const CAPITALISED = /(?<![.!?:]\s|^|\n)\b[A-Z][\p{L}\p{N}]*/gu

/** Of the beginning only: a letter of 8,000 characters names its subject early. */
const namesIn = (query: string): ReadonlySet<string> =>
  new Set(contentTerms((query.slice(0, MAX_NAMED_CHARACTERS).match(CAPITALISED) ?? []).join(' ')))

export function readQuery(index: FieldedIndex, query: string): QueryTerms {
  const written = contentTerms(query.slice(0, MAX_QUERY_CHARACTERS))
  const times = new Map<string, number>()
  for (const term of written) times.set(term, (times.get(term) ?? 0) + 1)
  const rarest = Math.log(1 + (index.liveDocuments + 0.5) / 0.5)
  let unknownMass = 0
  const known: { text: string; term: number; weight: number }[] = []
  for (const [text, count] of times) {
    const term = index.termNumber(text)
    const factor = Math.sqrt(count) * (isIdentifier(text) ? IDENTIFIER_WEIGHT : 1)
    if (term === undefined || index.documentsWith[term] === 0) unknownMass += factor * rarest
    else known.push({ text, term, weight: factor * index.rarity(term) })
  }
  if (known.length > MAX_QUERY_TERMS) known.sort((a, b) => b.weight - a.weight).length = MAX_QUERY_TERMS
  const beginnings = [...times]
    .slice(0, 2 * MAX_QUERY_TERMS)
    .map(([text, count]) => ({ slot: slotOf(text), factor: Math.sqrt(count) }))
  return { beginnings, ...slotsOf(index, known, written), ...kindsOf(known, namesIn(query)), ...massesOf(known, unknownMass) }
}

function kindsOf(known: readonly { text: string }[], names: ReadonlySet<string>) {
  const flag = (is: (text: string) => boolean) => Uint8Array.from(known, ({ text }) => (is(text) ? 1 : 0))
  return {
    identifiers: flag(isIdentifier),
    names: flag((text) => names.has(text)),
    boilerplate: flag((text) => BOILERPLATE.has(text)),
  }
}

function massesOf(known: readonly { weight: number }[], unknownMass: number) {
  const knownMass = known.reduce((sum, { weight }) => sum + weight, 0)
  return { knownMass, mass: knownMass + unknownMass }
}

function slotsOf(
  index: FieldedIndex,
  known: readonly { text: string; term: number; weight: number }[],
  written: readonly string[],
) {
  const slots = new Map(known.map(({ text }, slot) => [text, slot]))
  const size = known.length
  const stretches = new Uint8Array(size)
  const pairs = new Float32Array(size * size)
  const firstEnd = Math.max(12, Math.ceil(written.length / 3))
  const lastStart = Math.floor(written.length * 0.6)
  const order = new Int16Array(written.length)
  let before = -1
  written.forEach((text, at) => {
    const slot = slots.get(text) ?? -1
    order[at] = slot
    if (slot >= 0) {
      stretches[slot] = stretches[slot]! | (at < firstEnd ? 1 : 0) | (at >= lastStart ? 2 : 0)
      if (before >= 0) pairs[before * size + slot] = index.pairRarity(known[before]!.term, known[slot]!.term)
    }
    before = slot
  })
  return {
    terms: Uint32Array.from(known, ({ term }) => term),
    weights: Float64Array.from(known, ({ weight }) => weight),
    order,
    stretches,
    pairs,
  }
}
