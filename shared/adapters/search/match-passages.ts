import { type FieldedIndex, type IndexedChunk, posting } from './fielded-index.ts'
import { FIRST_WEIGHTS, weightsFor } from './match-weights.ts'
import { PassageReader } from './passage-reader.ts'
import { type QueryTerms, readQuery } from './query-terms.ts'

export type PassageMatch = { readonly chunk: IndexedChunk; readonly score: number; readonly signals: readonly number[] }

/** BM25: https://doi.org/10.1561/1500000019, with the document as the unit and with the chunk. */
const K1 = 1.2
const DOCUMENT_B = 0.6
const CHUNK_B = 0.5
/** How many more than asked for are looked at closely. */
const EXTRA = 50
/** The second, third … passage of one document stand back behind other documents. */
const FURTHER = 0.75

/** Room for the sums of one query, reused by the next. */
export class MatchRoom {
  documents = new Float32Array(0)
  covered = new Float32Array(0)
  titles = new Float32Array(0)
  paths = new Float32Array(0)
  chunks = new Float32Array(0)

  clear(documents: number, chunks: number): void {
    if (this.documents.length < documents) {
      const size = Math.ceil(1.25 * documents)
      this.documents = new Float32Array(size)
      this.covered = new Float32Array(size)
      this.titles = new Float32Array(size)
      this.paths = new Float32Array(size)
    } else for (const sums of [this.documents, this.covered, this.titles, this.paths]) sums.fill(0, 0, documents)
    if (this.chunks.length < chunks) this.chunks = new Float32Array(Math.ceil(1.25 * chunks))
    else this.chunks.fill(0, 0, chunks)
  }
}

/**
 * The best passages for the words of a query. First every document and chunk that shares a word is scored: BM25 over the whole
 * document with title, path and headings, BM25 over the passage with its title, and how much of the title and the path the query
 * covers. Then the best are read word by word (`PassageReader`) and scored by all their signals.
 * @param accept the filter
 */
export function matchPassages(
  index: FieldedIndex,
  room: MatchRoom,
  query: string,
  accept: (chunk: IndexedChunk) => boolean,
  limit: number,
): PassageMatch[] {
  index.refreshMasses()
  const terms = readQuery(index, query)
  if (terms.terms.length === 0 || limit < 1) return []
  room.clear(index.documents.length, index.chunks.length)
  addDocuments(index, room, terms)
  addChunks(index, room, terms)
  const scale = 1 / Math.sqrt(terms.knownMass)
  const pool = bestChunks(index, room, scale, accept, limit + EXTRA)
  const reader = new PassageReader(index, terms)
  try {
    return standBack(pool.map((at) => matchOf(index, room, reader, at, scale))).slice(0, limit)
  } finally {
    reader.finish()
  }
}

function matchOf(index: FieldedIndex, room: MatchRoom, reader: PassageReader, at: number, scale: number) {
  const number = index.documentOfChunk[at]!
  const document = index.documents[number]!
  const [titleShare, pathShare] = shares(room, number, document)
  const signals = reader.read(document, index.chunks[at]!, {
    document: room.documents[number]! * scale,
    covered: room.covered[number]!,
    passage: room.chunks[at]! * scale,
    titleShare,
    pathShare,
  })
  return { chunk: index.chunks[at]!, number, at, score: weigh(weightsFor(signals).sparse, signals), signals }
}

export function weigh(weights: readonly number[], signals: readonly number[]): number {
  let score = 0
  for (let i = 0; i < weights.length; i++) score += weights[i]! * signals[i]!
  return score
}

function addDocuments(index: FieldedIndex, room: MatchRoom, query: QueryTerms): void {
  const { words, heads } = index.byDocument
  const { documents, covered, titles, paths } = room
  const live = index.documents
  const average = index.totalDocumentLength / Math.max(1, index.liveDocuments)
  for (let slot = 0; slot < query.terms.length; slot++) {
    const term = query.terms[slot]!
    const weight = query.weights[slot]!
    const rarity = index.rarity(term)
    for (let block = heads[term]!; block !== 0; block = words[block]!) {
      const end = block + 3 + words[block + 1]!
      for (let i = block + 3; i < end; i++) {
        const word = words[i]!
        const number = word >>> 10
        const document = live[number]
        if (document === undefined) continue
        const times = word & 0xff
        const norm = K1 * (1 - DOCUMENT_B + (DOCUMENT_B * document.length) / average)
        documents[number] = documents[number]! + (weight * times * (K1 + 1)) / (times + norm)
        covered[number] = covered[number]! + weight
        if (word & posting.inTitle) titles[number] = titles[number]! + rarity
        if (word & posting.inPath) paths[number] = paths[number]! + rarity
      }
    }
  }
}

function addChunks(index: FieldedIndex, room: MatchRoom, query: QueryTerms): void {
  const { words, heads } = index.byChunk
  const sums = room.chunks
  const average = index.totalChunkLength / Math.max(1, index.liveChunks)
  for (let slot = 0; slot < query.terms.length; slot++) {
    const weight = query.weights[slot]!
    for (let block = heads[query.terms[slot]!]!; block !== 0; block = words[block]!) {
      const end = block + 3 + words[block + 1]!
      for (let i = block + 3; i < end; i++) {
        const word = words[i]!
        const at = word >>> 8
        const chunk = index.chunks[at]
        if (chunk === undefined) continue
        const times = word & 0xff
        const norm = K1 * (1 - CHUNK_B + (CHUNK_B * (chunk.end - chunk.sectionAt)) / average)
        sums[at] = sums[at]! + (weight * times * (K1 + 1)) / (times + norm)
      }
    }
  }
}

const share = (sum: number, mass: number) => (mass > 0 ? Math.min(1, sum / mass) : 0)
const shares = (room: MatchRoom, number: number, { titleMass, pathMass }: { titleMass: number; pathMass: number }) =>
  [share(room.titles[number]!, titleMass), share(room.paths[number]!, pathMass)] as const

/** Chunk numbers, best first by the sums alone; of each document the best chunk first, the others standing back. */
function bestChunks(
  index: FieldedIndex,
  room: MatchRoom,
  scale: number,
  accept: (chunk: IndexedChunk) => boolean,
  limit: number,
): number[] {
  const best = new BestOf(limit)
  const { documentOfChunk, chunks } = index
  for (let at = 0; at < chunks.length; ) {
    const number = documentOfChunk[at]!
    let end = at + 1
    while (documentOfChunk[end] === number) end++
    const document = index.documents[number]
    if (document !== undefined && room.documents[number]! > 0) {
      const [titleShare, pathShare] = shares(room, number, document)
      const common =
        FIRST_WEIGHTS.document * room.documents[number]! * scale +
        FIRST_WEIGHTS.title * titleShare +
        FIRST_WEIGHTS.path * pathShare
      addDocument(best, room, at, end, common, FIRST_WEIGHTS.passage * scale, (i) => accept(chunks[i]!))
    }
    at = end
  }
  return best.sorted()
}

function addDocument(
  best: BestOf,
  room: MatchRoom,
  from: number,
  end: number,
  common: number,
  scale: number,
  accept: (at: number) => boolean,
): void {
  let top = -1
  for (let at = from; at < end; at++) if ((top < 0 || room.chunks[at]! > room.chunks[top]!) && accept(at)) top = at
  if (top < 0) return
  best.offer(top, common + scale * room.chunks[top]!)
  for (let at = from; at < end; at++) {
    if (at === top || room.chunks[at] === 0) continue
    const score = FURTHER * (common + scale * room.chunks[at]!)
    if (score > best.least && accept(at)) best.offer(at, score)
  }
}

/** The n best of many, as a heap whose root is the least of them. */
class BestOf {
  readonly #limit: number
  readonly #items: { at: number; score: number }[] = []
  least = Number.NEGATIVE_INFINITY

  constructor(limit: number) {
    this.#limit = limit
  }

  offer(at: number, score: number): void {
    if (this.#items.length === this.#limit) {
      if (score <= this.least) return
      this.#items[0] = { at, score }
      this.#sink()
    } else {
      this.#items.push({ at, score })
      this.#rise()
    }
    if (this.#items.length === this.#limit) this.least = this.#items[0]!.score
  }

  sorted(): number[] {
    return this.#items.sort((a, b) => b.score - a.score || a.at - b.at).map(({ at }) => at)
  }

  #rise(): void {
    const items = this.#items
    for (let at = items.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1
      if (items[parent]!.score <= items[at]!.score) return
      ;[items[parent], items[at]] = [items[at]!, items[parent]!]
      at = parent
    }
  }

  #sink(): void {
    const items = this.#items
    for (let at = 0; ; ) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < items.length && items[child]!.score < items[least]!.score) least = child
      }
      if (least === at) return
      ;[items[least], items[at]] = [items[at]!, items[least]!]
      at = least
    }
  }
}

/** Best first; what a document has beyond its best passage is put behind other documents, at a share of its score. */
function standBack(matches: readonly (PassageMatch & { number: number; at: number })[]): PassageMatch[] {
  const sorted = [...matches].sort((a, b) => b.score - a.score || a.at - b.at)
  const seen = new Map<number, number>()
  const stood = sorted.map(({ number, at, chunk, score, signals }) => {
    const before = seen.get(number) ?? 0
    seen.set(number, before + 1)
    return { at, chunk, signals, score: score * FURTHER ** before }
  })
  return stood.sort((a, b) => b.score - a.score || a.at - b.at).map(({ chunk, signals, score }) => ({ chunk, signals, score }))
}
