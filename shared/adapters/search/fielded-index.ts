import { floats, wholeNumbers } from './columns.ts'
import { type ChunkFacts, DocumentTable, type NumberedDocument } from './document-table.ts'
import type { DocumentTerms } from './indexed-terms.ts'
import { PairCounts } from './pair-counts.ts'
import { PostingArena } from './posting-arena.ts'
import { hashOf, TermBeginnings } from './term-beginnings.ts'

const TITLE_WEIGHT = 5
const PATH_WEIGHT = 2
const HEADING_WEIGHT = 2
/** Flags of a document's posting. */
export const IN_TITLE = 1
export const IN_PATH = 2
const MAX_TIMES = 255
/** Weighing so many titles takes about a millisecond. */
const FEW_DOCUMENTS = 2_000

/**
 * One tenant's words in memory: postings by document and by chunk, and the words of each document in order, all in typed arrays. A
 * removed document leaves its postings behind as dead entries until they are a third of all; then everything is laid out anew.
 */
export class FieldedIndex {
  readonly #terms = new Map<string, number>()
  readonly table = new DocumentTable()
  readonly byDocument = new PostingArena()
  readonly byChunk = new PostingArena()
  /** By term: how many live documents hold it. */
  documentsWith = new Uint32Array(1_024)
  readonly #hashes = wholeNumbers()
  readonly #pairs = new PairCounts((term) => this.#hashes.values[term]!)
  readonly beginnings = new TermBeginnings()
  /** Weighted number of words by document; 0 of one that was removed. */
  readonly documentLengths = wholeNumbers()
  /** By chunk one more than the words of its section and text; 0 of one that was removed. */
  readonly chunkLengths = wholeNumbers()
  /** Sum of the rarities of all terms of each document's title (path) at the last refresh: what full coverage would be worth. */
  readonly titleMasses = floats()
  readonly pathMasses = floats()
  liveDocuments = 0
  titledDocuments = 0
  liveChunks = 0
  totalDocumentLength = 0
  totalChunkLength = 0
  /** Documents that came or went since the masses were last taken. */
  #changes = 0

  get deadShare(): number {
    return 1 - this.liveChunks / Math.max(1, this.table.chunkCount)
  }

  termNumber(term: string): number | undefined {
    return this.#terms.get(term)
  }

  get vocabularySize(): number {
    return this.#terms.size
  }

  /** Probabilistic inverse document frequency as in BM25, over documents. */
  rarity(term: number): number {
    return this.#rarityOf(this.documentsWith[term]!)
  }

  /** The same of words that begin alike. */
  beginningRarity(slot: number): number {
    return this.#rarityOf(Math.min(this.beginnings.documentsWith(slot), this.liveDocuments))
  }

  /** The same of two words side by side. */
  pairRarity(first: number, second: number): number {
    return this.#rarityOf(Math.min(this.#pairs.documentsWith(first, second), this.liveDocuments))
  }

  #rarityOf(documents: number): number {
    return Math.log(1 + (this.liveDocuments - documents + 0.5) / (documents + 0.5))
  }

  add(documentId: string, terms: DocumentTerms, facts: readonly ChunkFacts[]): void {
    const flat: number[] = []
    const put = (some: readonly string[]) => {
      for (const term of some) flat.push(this.#numberOf(term))
      return flat.length
    }
    const titleEnd = put(terms.title)
    const pathEnd = put(terms.path)
    const chunks = terms.chunks.map((chunk) => {
      const sectionAt = flat.length
      return { sectionAt, textAt: put(chunk.section), end: put(chunk.text) }
    })
    this.#enter(documentId, { flat, titleEnd, pathEnd, chunks }, facts)
  }

  remove(documentId: string): void {
    const number = this.table.numberOf(documentId)
    if (number === undefined) return
    const terms = this.table.termsOf(number)
    this.#pairs.remove(terms)
    const unique = new Set(terms)
    for (const term of unique) this.documentsWith[term] = this.documentsWith[term]! - 1
    this.beginnings.count(unique, -1)
    this.liveDocuments--
    this.#changes++
    const titleEnd = this.table.titleEndOf(number)
    if (titleEnd > 0) this.titledDocuments--
    this.totalDocumentLength -= this.documentLengths.values[number]!
    this.documentLengths.values[number] = 0
    const lengths = this.chunkLengths.values
    for (let at = this.table.firstChunkOf(number); at < this.table.firstChunkOf(number + 1); at++) {
      this.totalChunkLength -= lengths[at]! - 1 + titleEnd
      lengths[at] = 0
      this.liveChunks--
    }
    this.table.remove(documentId)
  }

  /** @returns the same knowledge without dead entries and unused terms */
  compacted(): FieldedIndex {
    const fresh = new FieldedIndex()
    const renumbered = new Map<number, number>()
    const names = [...this.#terms.keys()]
    const renumber = (term: number) => {
      const known = renumbered.get(term)
      if (known !== undefined) return known
      const number = fresh.#numberOf(names[term]!)
      renumbered.set(term, number)
      return number
    }
    for (const [id, number] of this.table.numbers()) {
      const { document, facts } = this.table.numbered(number, renumber)
      fresh.#enter(id, document, facts)
    }
    return fresh
  }

  /**
   * What full coverage of each title is worth follows the word statistics: at once while there are few documents, so that their order has
   * no part in it, and at a distance when there are many.
   */
  refreshMasses(): void {
    if (this.#changes <= (this.liveDocuments > FEW_DOCUMENTS ? 0.01 * this.liveDocuments : 0)) return
    this.#changes = 0
    for (const [, number] of this.table.numbers()) this.#weigh(number)
  }

  #enter(documentId: string, document: NumberedDocument, facts: readonly ChunkFacts[]): void {
    const { flat, titleEnd, chunks } = document
    const firstChunk = this.table.chunkCount
    const number = this.table.add(documentId, document, facts)
    const unique = new Set(flat)
    for (const term of unique) this.documentsWith[term] = this.documentsWith[term]! + 1
    this.beginnings.count(unique, 1)
    this.liveDocuments++
    this.#changes++
    if (titleEnd > 0) this.titledDocuments++
    for (let i = 0; i < chunks.length; i++) this.#enterChunk(document, i, firstChunk + i)
    const length = this.#enterWords(document, number)
    this.documentLengths.push(length)
    this.totalDocumentLength += length
    this.#pairs.add(flat, () => this.#live())
    this.titleMasses.push(0)
    this.pathMasses.push(0)
    this.#weigh(number)
  }

  /** @returns the document's weighted number of words */
  #enterWords({ flat, titleEnd, pathEnd, chunks }: NumberedDocument, number: number): number {
    const counts = new Map<number, number>()
    const count = (term: number, by: number) => counts.set(term, (counts.get(term) ?? 0) + by)
    const headings = new Set<number>()
    for (let i = 0; i < titleEnd; i++) count(flat[i]!, TITLE_WEIGHT)
    for (let i = titleEnd; i < pathEnd; i++) count(flat[i]!, PATH_WEIGHT)
    for (const { sectionAt, textAt, end } of chunks) {
      for (let i = sectionAt; i < textAt; i++) headings.add(flat[i]!)
      for (let i = textAt; i < end; i++) count(flat[i]!, 1)
    }
    for (const term of headings) count(term, HEADING_WEIGHT)
    const title = new Set(flat.slice(0, titleEnd))
    const path = new Set(flat.slice(titleEnd, pathEnd))
    let length = 0
    for (const [term, times] of counts) {
      length += times
      const where = (title.has(term) ? IN_TITLE : 0) | (path.has(term) ? IN_PATH : 0)
      this.byDocument.append(term, number, Math.min(times, MAX_TIMES), where)
    }
    return length
  }

  #enterChunk({ flat, titleEnd, chunks }: NumberedDocument, i: number, at: number): void {
    const { sectionAt, end } = chunks[i]!
    this.liveChunks++
    this.chunkLengths.push(end - sectionAt + 1)
    this.totalChunkLength += end - sectionAt + titleEnd
    const counts = new Map<number, number>()
    const count = (term: number) => counts.set(term, (counts.get(term) ?? 0) + 1)
    for (let word = 0; word < titleEnd; word++) count(flat[word]!)
    for (let word = sectionAt; word < end; word++) count(flat[word]!)
    for (const [term, times] of counts) this.byChunk.append(term, at, Math.min(times, MAX_TIMES), 0)
  }

  #weigh(number: number): void {
    const head = this.table.headOf(number)
    const titleEnd = this.table.titleEndOf(number)
    const mass = (terms: Uint32Array) => {
      let sum = 0
      for (const term of new Set(terms)) sum += this.rarity(term)
      return sum
    }
    this.titleMasses.values[number] = mass(head.subarray(0, titleEnd))
    this.pathMasses.values[number] = mass(head.subarray(titleEnd))
  }

  *#live(): Iterable<Uint32Array> {
    for (const [, number] of this.table.numbers()) yield this.table.termsOf(number)
  }

  #numberOf(term: string): number {
    const known = this.#terms.get(term)
    if (known !== undefined) return known
    const number = this.#terms.size
    this.#terms.set(term, number)
    this.beginnings.push(term)
    this.#hashes.push(hashOf(term))
    if (number >= this.documentsWith.length) {
      const larger = new Uint32Array(2 * this.documentsWith.length)
      larger.set(this.documentsWith)
      this.documentsWith = larger
    }
    return number
  }
}
