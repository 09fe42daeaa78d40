import type { PassageTerms } from './document-table.ts'
import type { FieldedIndex } from './fielded-index.ts'
import type { QueryTerms } from './query-terms.ts'

const WINDOW = 24
const K1 = 1.2
const FIELD_K1 = 0.6

type Sums = {
  readonly document: number
  readonly covered: number
  readonly passage: number
  readonly titleShare: number
  readonly pathShare: number
}

/** Reads the words of single passages in order, as the first round of the search cannot: for the best ones only. */
export class PassageReader {
  readonly #query: QueryTerms
  readonly #slots: Int16Array
  readonly #counts: Uint16Array
  readonly #scale: number
  readonly #averageText: number
  readonly #rarity: number
  readonly #titled: number

  constructor(index: FieldedIndex, query: QueryTerms, slots: Int16Array) {
    this.#query = query
    this.#slots = slots
    this.#counts = new Uint16Array(query.terms.length)
    this.#scale = 1 / Math.sqrt(query.knownMass)
    this.#rarity = Math.log(1 + (index.liveDocuments + 0.5) / 0.5)
    this.#titled = index.titledDocuments / Math.max(1, index.liveDocuments)
    this.#averageText = index.totalChunkLength / Math.max(1, index.liveChunks)
  }

  /** Gives the table of slots back clean. */
  finish(): void {
    for (const term of this.#query.terms) this.#slots[term] = 0
  }

  /**
   * @param ofDocument what `DocumentReader` says of its document
   * @returns in the order of `SIGNALS` (shared/ports/search-index.ts)
   */
  read(passage: PassageTerms, ofDocument: readonly number[], sums: Sums): number[] {
    const { terms, titleEnd, pathEnd } = passage
    const query = this.#query
    const scale = this.#scale
    const seen = new Uint8Array(query.terms.length)
    const title = this.#field(terms, 0, titleEnd, 0.4, 8, seen)
    const path = this.#field(terms, titleEnd, pathEnd, 0.4, 10, seen)
    const section = this.#field(terms, passage.sectionAt, passage.textAt, 0.5, 8, seen)
    const text = this.#text(passage, seen)
    let covered = 0
    let named = 0
    for (let slot = 0; slot < seen.length; slot++) {
      if (!seen[slot]) continue
      covered += query.weights[slot]!
      if (query.identifiers[slot]) named += query.weights[slot]!
    }
    const { titleShare, pathShare } = sums
    return [
      sums.document,
      sums.passage,
      titleShare,
      pathShare,
      Math.max(titleShare, pathShare),
      title.score * scale,
      path.score * scale,
      text.score * scale,
      section.score * scale,
      title.pairs * scale,
      path.pairs * scale,
      section.pairs * scale,
      text.pairs * scale,
      covered / query.mass,
      covered * scale,
      named * scale,
      (text.beginning + title.beginning) * scale,
      (title.beginning + path.beginning) * scale,
      (text.ending + title.ending) * scale,
      (title.ending + path.ending) * scale,
      this.#run(terms, titleEnd) * scale,
      text.nearest * scale,
      text.nearest / query.mass,
      sums.covered / query.mass,
      sums.covered * scale,
      ...ofDocument,
      this.#rarity,
      this.#titled,
    ]
  }

  /** BM25 of a short field, by hand-set average length, and its pairs that stand side by side in the query too. */
  #field(terms: Uint32Array, from: number, end: number, b: number, average: number, seen: Uint8Array) {
    const { stretches, pairs, terms: asked } = this.#query
    const counts = this.#counts.fill(0)
    let pairSum = 0
    let before = -1
    for (let i = from; i < end; i++) {
      const slot = this.#slots[terms[i]!]! - 1
      if (slot >= 0) {
        counts[slot] = counts[slot]! + 1
        seen[slot] = 1
        if (before >= 0) pairSum += pairs[before * asked.length + slot]!
      }
      before = slot
    }
    const norm = FIELD_K1 * (1 - b + (b * (end - from)) / average)
    return { pairs: pairSum, ...this.#saturated(counts, FIELD_K1, norm, stretches) }
  }

  #saturated(counts: Uint16Array, k1: number, norm: number, stretches: Uint8Array) {
    let score = 0
    let beginning = 0
    let ending = 0
    for (let slot = 0; slot < counts.length; slot++) {
      const times = counts[slot]!
      if (times === 0) continue
      const gained = (this.#query.weights[slot]! * times * (k1 + 1)) / (times + norm)
      score += gained
      if (stretches[slot]! & 1) beginning += gained
      if (stretches[slot]! & 2) ending += gained
    }
    return { score, beginning, ending }
  }

  /** As for a field; also the greatest weight of different words of the query within any stretch of 24 words. */
  #text({ terms, textAt, end }: PassageTerms, seen: Uint8Array) {
    const { weights, stretches, pairs, terms: asked } = this.#query
    const counts = this.#counts.fill(0)
    const inWindow = new Uint16Array(asked.length)
    const pairTimes = new Map<number, number>()
    let before = -1
    let held = 0
    let nearest = 0
    for (let i = textAt; i < end; i++) {
      const slot = this.#slots[terms[i]!]! - 1
      if (slot >= 0) {
        counts[slot] = counts[slot]! + 1
        seen[slot] = 1
        if (inWindow[slot]!++ === 0) held += weights[slot]!
        const pair = before * asked.length + slot
        if (before >= 0 && pairs[pair]! > 0) pairTimes.set(pair, (pairTimes.get(pair) ?? 0) + 1)
        if (held > nearest) nearest = held
      }
      before = slot
      if (i - WINDOW >= textAt) {
        const leaving = this.#slots[terms[i - WINDOW]!]! - 1
        if (leaving >= 0 && --inWindow[leaving]! === 0) held -= weights[leaving]!
      }
    }
    const norm = K1 * (0.5 + (0.5 * (end - textAt)) / this.#averageText)
    let pairSum = 0
    for (const [pair, times] of pairTimes) {
      pairSum += (pairs[pair]! * times * (K1 + 1)) / (times + norm)
    }
    return { nearest, pairs: pairSum, ...this.#saturated(counts, K1, norm, stretches) }
  }

  /** The weight of the longest run of words that title and query share. */
  #run(terms: Uint32Array, titleEnd: number): number {
    const { order, weights } = this.#query
    let best = 0
    for (let from = 0; from < titleEnd; from++) {
      const first = this.#slots[terms[from]!]! - 1
      if (first < 0) continue
      for (let at = 0; at < order.length; at++) {
        if (order[at] !== first) continue
        let held = 0
        let length = 0
        while (from + length < titleEnd && at + length < order.length) {
          const slot = order[at + length]!
          if (slot < 0 || this.#slots[terms[from + length]!] !== slot + 1) break
          held += weights[slot]!
          length++
        }
        if (length > 1 && held > best) best = held
      }
    }
    return best
  }
}

/** By term number the slot of the query's term plus one; to be given back clean by `finish`. */
export function slotsFor(index: FieldedIndex, { terms }: QueryTerms): Int16Array {
  const slots = slotTable(index.vocabularySize)
  terms.forEach((term, slot) => {
    slots[term] = slot + 1
  })
  return slots
}

/** One table for all queries of the process: they do not overlap, because nothing in between waits. */
let table = new Int16Array(0)
function slotTable(size: number): Int16Array {
  if (table.length < size) table = new Int16Array(Math.ceil(1.25 * size))
  return table
}
