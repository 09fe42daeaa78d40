import type { Chunk } from '#shared/domain/document.ts'
import type { DocumentTerms } from './indexed-terms.ts'
import { PairCounts } from './pair-counts.ts'
import { PostingArena } from './posting-arena.ts'

/** What filters look at; the same for all chunks of a document as a rule, but kept by chunk. */
export type ChunkFacts = Pick<Chunk, 'audience' | 'product' | 'language' | 'modifiedAt'> & {
  /** Under which the store knows the chunk. */
  readonly key: number
}

/** A document in memory. `terms` holds title, path, then section and text of each chunk, as term numbers in order. */
export type IndexedDocument = {
  readonly id: string
  readonly terms: Uint32Array
  readonly titleEnd: number
  readonly pathEnd: number
  readonly chunks: readonly IndexedChunk[]
  /** Sum of the weights of all its title's (path's) terms at the last refresh: what full coverage would be worth. */
  titleMass: number
  pathMass: number
  length: number
  /** Its unique terms, for the counts when it goes. */
  readonly unique: Uint32Array
}
export type IndexedChunk = ChunkFacts & { readonly sectionAt: number; readonly textAt: number; readonly end: number }

const TITLE_WEIGHT = 5
const PATH_WEIGHT = 2
const HEADING_WEIGHT = 2
const IN_TITLE = 1 << 8
const IN_PATH = 1 << 9
export const posting = {
  /** Of a document: number, whether the term is in title or path, weighted frequency up to 255. */
  documentOf: (word: number) => word >>> 10,
  inTitle: IN_TITLE,
  inPath: IN_PATH,
  /** Of a chunk: number, frequency up to 255. */
  chunkOf: (word: number) => word >>> 8,
  timesOf: (word: number) => word & 0xff,
} as const

/**
 * One tenant's words in memory: postings by document and by chunk. A removed document leaves its postings behind as dead entries
 * until they are a third of all; then everything is laid out anew from the documents.
 */
export class FieldedIndex {
  readonly #terms = new Map<string, number>()
  readonly byDocument = new PostingArena()
  readonly byChunk = new PostingArena()
  /** By term: how many live documents hold it. */
  documentsWith = new Uint32Array(1_024)
  /** By number; undefined where one was removed. */
  readonly documents: (IndexedDocument | undefined)[] = []
  readonly chunks: (IndexedChunk | undefined)[] = []
  readonly documentOfChunk: number[] = []
  readonly #numbers = new Map<string, number>()
  readonly #pairs = new PairCounts()
  liveDocuments = 0
  titledDocuments = 0
  liveChunks = 0
  totalDocumentLength = 0
  totalChunkLength = 0
  #massesAt = 0

  get deadShare(): number {
    return 1 - this.liveChunks / Math.max(1, this.chunks.length)
  }

  termNumber(term: string): number | undefined {
    return this.#terms.get(term)
  }

  get vocabularySize(): number {
    return this.#terms.size
  }

  /** Probabilistic inverse document frequency as in BM25, over documents. */
  rarity(term: number): number {
    const documents = this.documentsWith[term]!
    return Math.log(1 + (this.liveDocuments - documents + 0.5) / (documents + 0.5))
  }

  /** The same of two words side by side. */
  pairRarity(first: number, second: number): number {
    const documents = Math.min(this.#pairs.documentsWith(first, second), this.liveDocuments)
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
    const chunks = terms.chunks.map((chunk, i) => {
      const sectionAt = flat.length
      const textAt = put(chunk.section)
      return { ...facts[i]!, sectionAt, textAt, end: put(chunk.text) }
    })
    const numbers = Uint32Array.from(flat)
    const unique = Uint32Array.from(new Set(flat))
    this.#enter({ id: documentId, terms: numbers, titleEnd, pathEnd, chunks, titleMass: 0, pathMass: 0, length: 0, unique })
  }

  remove(documentId: string): void {
    const number = this.#numbers.get(documentId)
    if (number === undefined) return
    const document = this.documents[number]!
    this.#numbers.delete(documentId)
    this.documents[number] = undefined
    this.#pairs.remove(document)
    for (const term of document.unique) this.documentsWith[term] = this.documentsWith[term]! - 1
    this.liveDocuments--
    if (document.titleEnd > 0) this.titledDocuments--
    this.totalDocumentLength -= document.length
    for (let at = firstChunkOf(this.documentOfChunk, number); this.documentOfChunk[at] === number; at++) {
      const chunk = this.chunks[at]!
      this.totalChunkLength -= chunk.end - chunk.sectionAt + document.titleEnd
      this.chunks[at] = undefined
      this.liveChunks--
    }
  }

  /** All live documents, to be laid out in a new index. */
  *live(): Iterable<IndexedDocument> {
    for (const document of this.documents) if (document) yield document
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
    for (const document of this.live()) {
      fresh.#enter({ ...document, terms: document.terms.map(renumber), unique: document.unique.map(renumber) })
    }
    return fresh
  }

  /** What full coverage of each title is worth follows the word statistics, at a distance: anew for every tenth more documents. */
  refreshMasses(): void {
    if (Math.abs(this.liveDocuments - this.#massesAt) <= 0.1 * this.#massesAt) return
    this.#massesAt = this.liveDocuments
    for (const document of this.live()) this.#weigh(document)
  }

  #enter(document: IndexedDocument): void {
    const number = this.documents.length
    const { terms, titleEnd, pathEnd } = document
    this.documents.push(document)
    this.#numbers.set(document.id, number)
    for (const term of document.unique) this.documentsWith[term] = this.documentsWith[term]! + 1
    this.liveDocuments++
    if (titleEnd > 0) this.titledDocuments++
    const counts = new Map<number, number>()
    const count = (term: number, by: number) => counts.set(term, (counts.get(term) ?? 0) + by)
    const headings = new Set<number>()
    for (let i = 0; i < titleEnd; i++) count(terms[i]!, TITLE_WEIGHT)
    for (let i = titleEnd; i < pathEnd; i++) count(terms[i]!, PATH_WEIGHT)
    for (const chunk of document.chunks) {
      for (let i = chunk.sectionAt; i < chunk.textAt; i++) headings.add(terms[i]!)
      for (let i = chunk.textAt; i < chunk.end; i++) count(terms[i]!, 1)
      this.#enterChunk(document, number, chunk)
    }
    for (const term of headings) count(term, HEADING_WEIGHT)
    const title = new Set(terms.subarray(0, titleEnd))
    const path = new Set(terms.subarray(titleEnd, pathEnd))
    document.length = 0
    for (const [term, times] of counts) {
      document.length += times
      const where = (title.has(term) ? IN_TITLE : 0) | (path.has(term) ? IN_PATH : 0)
      this.byDocument.append(term, ((number << 10) | where | Math.min(times, 255)) >>> 0)
    }
    this.totalDocumentLength += document.length
    this.#pairs.add(document, () => this.live())
    this.#weigh(document)
  }

  #enterChunk(document: IndexedDocument, number: number, chunk: IndexedChunk): void {
    const at = this.chunks.length
    this.chunks.push(chunk)
    this.documentOfChunk.push(number)
    this.liveChunks++
    this.totalChunkLength += chunk.end - chunk.sectionAt + document.titleEnd
    const counts = new Map<number, number>()
    const count = (term: number) => counts.set(term, (counts.get(term) ?? 0) + 1)
    for (let i = 0; i < document.titleEnd; i++) count(document.terms[i]!)
    for (let i = chunk.sectionAt; i < chunk.end; i++) count(document.terms[i]!)
    for (const [term, times] of counts) this.byChunk.append(term, ((at << 8) | Math.min(times, 255)) >>> 0)
  }

  #weigh(document: IndexedDocument): void {
    const mass = (from: number, to: number) => {
      let sum = 0
      for (const term of new Set(document.terms.subarray(from, to))) sum += this.rarity(term)
      return sum
    }
    document.titleMass = mass(0, document.titleEnd)
    document.pathMass = mass(document.titleEnd, document.pathEnd)
  }

  #numberOf(term: string): number {
    const known = this.#terms.get(term)
    if (known !== undefined) return known
    const number = this.#terms.size
    this.#terms.set(term, number)
    if (number >= this.documentsWith.length) {
      const larger = new Uint32Array(2 * this.documentsWith.length)
      larger.set(this.documentsWith)
      this.documentsWith = larger
    }
    return number
  }
}

/** The numbers ascend, so the first chunk of a document is found by halving. */
function firstChunkOf(documentOfChunk: readonly number[], document: number): number {
  let low = 0
  let high = documentOfChunk.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (documentOfChunk[middle]! < document) low = middle + 1
    else high = middle
  }
  return low
}
