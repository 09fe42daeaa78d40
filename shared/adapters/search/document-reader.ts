import type { FieldedIndex } from './fielded-index.ts'
import type { QueryTerms } from './query-terms.ts'
import { TermBeginnings } from './term-beginnings.ts'

/** A book among articles is judged by its beginning: reading on would cost every query that it shares a word with. */
const MAX_CHUNKS = 40
const K1 = 1.2
const B = 0.6
/** What a word of every report counts against one that is the query's own. */
const BOILERPLATE_WEIGHT = 0.2

type Read = { readonly inText: Uint8Array; readonly anywhere: Uint8Array; readonly begins: Float32Array; readonly pairs: number }

/** Reads whole documents, once a query each, for what single passages do not tell: an article's words are spread over its chunks. */
export class DocumentReader {
  readonly #index: FieldedIndex
  readonly #query: QueryTerms
  /** By term slot plus one. */
  readonly #slots: Int16Array
  readonly #beginnings: Int16Array
  /** Parallel: slot of the beginning, and what it weighs. */
  readonly #asked: { readonly slot: number; readonly weight: number }[] = []
  readonly #neighbours = new Set<number>()
  readonly #rarest: number[]
  readonly #scale: number
  readonly #known = new Map<number, number[]>()

  /** @param slots of the query's terms, by term number, plus one */
  constructor(index: FieldedIndex, query: QueryTerms, slots: Int16Array) {
    this.#index = index
    this.#query = query
    this.#slots = slots
    this.#scale = 1 / Math.sqrt(query.knownMass)
    this.#beginnings = beginningTable
    this.#takeBeginnings()
    this.#rarest = [...query.weights.keys()].sort((a, b) => query.weights[b]! - query.weights[a]!).slice(0, 3)
    for (let i = 1; i < query.order.length; i++) {
      const [a, b] = [query.order[i - 1]!, query.order[i]!]
      if (a >= 0 && b >= 0 && a !== b) this.#neighbours.add(this.#pair(a, b))
    }
  }

  /** Gives the table of beginnings back clean. */
  finish(): void {
    for (const { slot } of this.#asked) this.#beginnings[slot] = 0
  }

  /**
   * @param leads sums by chunk
   * @returns in the order of `SIGNALS`, `lead` to `documentPairs`
   */
  read(number: number, leads: Float32Array): number[] {
    const known = this.#known.get(number)
    if (known) return known
    const { table, liveDocuments, totalDocumentLength, documentLengths } = this.#index
    const [from, end] = [table.firstChunkOf(number), table.firstChunkOf(number + 1)]
    const read = this.#readChunks(from, Math.min(end, from + MAX_CHUNKS))
    const documents = Math.max(1, liveDocuments)
    const length = documentLengths.values[number]! / (totalDocumentLength / documents)
    const held = (slot: number) => read.inText[slot]!
    const [first] = this.#rarest
    const signals = [
      leads[from]! * this.#scale,
      Math.log(Math.max(length, 1e-3)),
      this.#begun(read.begins, length),
      this.#share(read, (slot) => this.#query.names[slot]!),
      this.#share(read, (slot) => (this.#query.boilerplate[slot] ? BOILERPLATE_WEIGHT : 1)),
      first === undefined ? 0 : held(first),
      this.#rarest.reduce((sum, slot) => sum + held(slot), 0) / 3,
      Math.log(1 + read.pairs) * this.#scale,
    ]
    this.#known.set(number, signals)
    return signals
  }

  #readChunks(from: number, end: number): Read {
    const size = this.#query.terms.length
    const inText = new Uint8Array(size)
    const anywhere = new Uint8Array(size)
    const begins = new Float32Array(this.#asked.length)
    const starts = this.#index.beginnings.slots
    const [slots, beginnings] = [this.#slots, this.#beginnings]
    let pairs = 0
    for (let chunk = from; chunk < end; chunk++) {
      const { terms, sectionAt, textAt, end: wordsEnd } = this.#index.table.passageTerms(chunk)
      // Title and path stand above every chunk, and count with the first one.
      for (let i = chunk === from ? 0 : sectionAt, before = -1; i < wordsEnd; i++) {
        const term = terms[i]!
        const begun = beginnings[starts[term]!]! - 1
        if (begun >= 0) begins[begun] = begins[begun]! + (i < sectionAt ? 2 : 1)
        const slot = slots[term]! - 1
        if (slot >= 0) {
          anywhere[slot] = 1
          if (i >= textAt) {
            inText[slot] = 1
            if (before >= 0 && this.#neighbours.has(this.#pair(before, slot))) pairs += this.#lesser(before, slot)
          }
        }
        before = i >= textAt ? slot : -1
      }
    }
    return { inText, anywhere, begins, pairs }
  }

  #begun(counts: Float32Array, length: number): number {
    const norm = K1 * (1 - B + B * length)
    let score = 0
    for (let i = 0; i < counts.length; i++) score += (this.#asked[i]!.weight * counts[i]! * (K1 + 1)) / (counts[i]! + norm)
    return score * this.#scale
  }

  /** Of the query's weight, each word's times a factor, the share that the document holds. */
  #share({ anywhere }: Read, factorOf: (slot: number) => number): number {
    let held = 0
    let whole = 0
    for (let slot = 0; slot < anywhere.length; slot++) {
      const weight = factorOf(slot) * this.#query.weights[slot]!
      whole += weight
      if (anywhere[slot]) held += weight
    }
    return whole > 0 ? held / whole : 0
  }

  #takeBeginnings(): void {
    const { beginnings } = this.#index
    for (const { slot, factor } of this.#query.beginnings) {
      if (this.#beginnings[slot] !== 0 || beginnings.documentsWith(slot) === 0) continue
      this.#asked.push({ slot, weight: factor * this.#index.beginningRarity(slot) })
      this.#beginnings[slot] = this.#asked.length
    }
  }

  #pair(a: number, b: number): number {
    return Math.min(a, b) * this.#query.terms.length + Math.max(a, b)
  }

  #lesser(a: number, b: number): number {
    return Math.min(this.#query.weights[a]!, this.#query.weights[b]!)
  }
}

/** One for all queries of the process: they do not overlap, because nothing in between waits. */
const beginningTable = new Int16Array(TermBeginnings.size)
