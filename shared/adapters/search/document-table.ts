import type { FilteredFacts } from './chunk-filter.ts'
import { floats, wholeNumbers } from './columns.ts'
import { Facets } from './facets.ts'
import { WordPool } from './word-pool.ts'

/** What filters look at; the same for all chunks of a document as a rule, but kept by chunk. */
export type ChunkFacts = FilteredFacts & {
  /** Under which the store knows the chunk. */
  readonly key: number
}

/** A document as it comes in: title, path, then section and text of each chunk, as term numbers in order. */
export type NumberedDocument = {
  readonly flat: readonly number[]
  readonly titleEnd: number
  readonly pathEnd: number
  readonly chunks: readonly { readonly sectionAt: number; readonly textAt: number; readonly end: number }[]
}

/** One passage with what stands above it, in the same order. */
export type PassageTerms = {
  readonly terms: Uint32Array
  readonly titleEnd: number
  readonly pathEnd: number
  readonly sectionAt: number
  readonly textAt: number
  readonly end: number
}

/** Documents and chunks by number, both ascending, with their words in order. Removed ones keep their numbers. */
export class DocumentTable {
  readonly facets = new Facets()
  readonly #numbers = new Map<string, number>()
  readonly #words = new WordPool()
  readonly #wordsAt = floats()
  readonly #titleEnd = wholeNumbers()
  readonly #pathEnd = wholeNumbers()
  readonly #firstChunk = wholeNumbers()
  readonly #key = floats()
  readonly #facet = wholeNumbers()
  readonly #documentOf = wholeNumbers()
  readonly #sectionTerms = wholeNumbers()
  readonly #textTerms = wholeNumbers()
  readonly #chunkWordsAt = floats()
  #scratch = new Uint32Array(1_024)

  /** Removed ones included. */
  get documentCount(): number {
    return this.#titleEnd.length
  }

  /** Those of removed documents included. */
  get chunkCount(): number {
    return this.#key.length
  }

  get documentOfChunk(): Uint32Array {
    return this.#documentOf.values
  }

  numberOf(documentId: string): number | undefined {
    return this.#numbers.get(documentId)
  }

  /** Of live documents, in ascending order. */
  numbers(): Iterable<[documentId: string, number: number]> {
    return this.#numbers
  }

  keyOf(chunk: number): number {
    return this.#key.values[chunk]!
  }

  facetOf(chunk: number): number {
    return this.#facet.values[chunk]!
  }

  titleEndOf(document: number): number {
    return this.#titleEnd.values[document]!
  }

  firstChunkOf(document: number): number {
    return document < this.documentCount ? this.#firstChunk.values[document]! : this.chunkCount
  }

  /** @returns the document's number */
  add(documentId: string, { flat, titleEnd, pathEnd, chunks }: NumberedDocument, facts: readonly ChunkFacts[]): number {
    const number = this.documentCount
    this.#numbers.set(documentId, number)
    this.#wordsAt.push(this.#words.add(flat.slice(0, pathEnd)))
    this.#titleEnd.push(titleEnd)
    this.#pathEnd.push(pathEnd)
    this.#firstChunk.push(this.chunkCount)
    chunks.forEach(({ sectionAt, textAt, end }, i) => {
      this.#key.push(facts[i]!.key)
      this.#facet.push(this.facets.take(facts[i]!))
      this.#documentOf.push(number)
      this.#sectionTerms.push(textAt - sectionAt)
      this.#textTerms.push(end - textAt)
      this.#chunkWordsAt.push(this.#words.add(flat.slice(sectionAt, end)))
    })
    return number
  }

  remove(documentId: string): void {
    const number = this.#numbers.get(documentId)!
    this.#numbers.delete(documentId)
    for (let chunk = this.firstChunkOf(number); chunk < this.firstChunkOf(number + 1); chunk++)
      this.facets.giveBack(this.facetOf(chunk))
  }

  /** The document as it came in, with other numbers for its terms. */
  numbered(number: number, renumber: (term: number) => number): { document: NumberedDocument; facts: ChunkFacts[] } {
    const flat = Array.from(this.termsOf(number), renumber)
    const pathEnd = this.#pathEnd.values[number]!
    const chunks: NumberedDocument['chunks'][number][] = []
    const facts: ChunkFacts[] = []
    for (let chunk = this.firstChunkOf(number); chunk < this.firstChunkOf(number + 1); chunk++) {
      const sectionAt = chunks.at(-1)?.end ?? pathEnd
      const textAt = sectionAt + this.#sectionTerms.values[chunk]!
      chunks.push({ sectionAt, textAt, end: textAt + this.#textTerms.values[chunk]! })
      facts.push({ ...this.facets.factsOf(this.facetOf(chunk)), key: this.keyOf(chunk) })
    }
    return { document: { flat, titleEnd: this.titleEndOf(number), pathEnd, chunks }, facts }
  }

  /** The words of title and path; valid until the next call. */
  headOf(number: number): Uint32Array {
    const pathEnd = this.#pathEnd.values[number]!
    const terms = this.#room(pathEnd)
    this.#words.read(this.#wordsAt.values[number]!, pathEnd, terms, 0)
    return terms.subarray(0, pathEnd)
  }

  /** All words of a document in order; valid until the next call. */
  termsOf(number: number): Uint32Array {
    const [from, end] = [this.firstChunkOf(number), this.firstChunkOf(number + 1)]
    let at = this.#pathEnd.values[number]!
    let size = at
    for (let chunk = from; chunk < end; chunk++) size += this.#termsIn(chunk)
    const terms = this.#room(size)
    this.#words.read(this.#wordsAt.values[number]!, at, terms, 0)
    for (let chunk = from; chunk < end; chunk++) {
      this.#words.read(this.#chunkWordsAt.values[chunk]!, this.#termsIn(chunk), terms, at)
      at += this.#termsIn(chunk)
    }
    return terms.subarray(0, size)
  }

  /** A chunk's words with its document's title and path; valid until the next call. */
  passageTerms(chunk: number): PassageTerms {
    const document = this.#documentOf.values[chunk]!
    const pathEnd = this.#pathEnd.values[document]!
    const textAt = pathEnd + this.#sectionTerms.values[chunk]!
    const end = pathEnd + this.#termsIn(chunk)
    const terms = this.#room(end)
    this.#words.read(this.#wordsAt.values[document]!, pathEnd, terms, 0)
    this.#words.read(this.#chunkWordsAt.values[chunk]!, end - pathEnd, terms, pathEnd)
    return { terms, titleEnd: this.#titleEnd.values[document]!, pathEnd, sectionAt: pathEnd, textAt, end }
  }

  #termsIn(chunk: number): number {
    return this.#sectionTerms.values[chunk]! + this.#textTerms.values[chunk]!
  }

  #room(size: number): Uint32Array {
    if (this.#scratch.length < size) this.#scratch = new Uint32Array(Math.ceil(1.25 * size))
    return this.#scratch
  }
}
