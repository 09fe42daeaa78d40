import type { FilteredFacts } from './chunk-filter.ts'
import { DocumentReader } from './document-reader.ts'
import { type FieldedIndex, IN_PATH, IN_TITLE } from './fielded-index.ts'
import { FIRST_WEIGHTS, weightsFor } from './match-weights.ts'
import { PassageReader, slotsFor } from './passage-reader.ts'
import { type QueryTerms, readQuery } from './query-terms.ts'

/** `key` is the store's of the chunk. */
export type PassageMatch = { readonly key: number; readonly score: number; readonly signals: readonly number[] }

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
  accept: (facts: FilteredFacts) => boolean,
  limit: number,
): PassageMatch[] {
  index.refreshMasses()
  const terms = readQuery(index, query)
  if (terms.terms.length === 0 || limit < 1) return []
  room.clear(index.table.documentCount, index.table.chunkCount)
  addDocuments(index, room, terms)
  addChunks(index, room, terms)
  const scale = 1 / Math.sqrt(terms.knownMass)
  const pool = bestChunks(index, room, scale, accept, limit + EXTRA)
  const slots = slotsFor(index, terms)
  const readers = { passage: new PassageReader(index, terms, slots), document: new DocumentReader(index, terms, slots) }
  try {
    return standBack(pool.map((at) => matchOf(index, room, readers, at, scale))).slice(0, limit)
  } finally {
    readers.passage.finish()
    readers.document.finish()
  }
}

type Readers = { readonly passage: PassageReader; readonly document: DocumentReader }

function matchOf(index: FieldedIndex, room: MatchRoom, readers: Readers, at: number, scale: number) {
  const number = index.table.documentOfChunk[at]!
  const [titleShare, pathShare] = shares(index, room, number)
  const ofDocument = readers.document.read(number, room.chunks)
  const signals = readers.passage.read(index.table.passageTerms(at), ofDocument, {
    document: room.documents[number]! * scale,
    covered: room.covered[number]!,
    passage: room.chunks[at]! * scale,
    titleShare,
    pathShare,
  })
  return { key: index.table.keyOf(at), number, at, score: weigh(weightsFor(signals).sparse, signals), signals }
}

export function weigh(weights: readonly number[], signals: readonly number[]): number {
  let score = 0
  for (let i = 0; i < weights.length; i++) score += weights[i]! * signals[i]!
  return score
}

function addDocuments(index: FieldedIndex, room: MatchRoom, query: QueryTerms): void {
  const { documents, covered, titles, paths } = room
  const lengths = index.documentLengths.values
  const average = index.totalDocumentLength / Math.max(1, index.liveDocuments)
  for (let slot = 0; slot < query.terms.length; slot++) {
    const term = query.terms[slot]!
    const weight = query.weights[slot]!
    const rarity = index.rarity(term)
    const reader = index.byDocument.reader(term)
    const { numbers, details } = reader
    while (reader.next()) {
      for (let i = 0; i < reader.count; i++) {
        const number = numbers[i]!
        const length = lengths[number]!
        if (length === 0) continue
        const detail = details[i]!
        const times = detail >>> 2
        const norm = K1 * (1 - DOCUMENT_B + (DOCUMENT_B * length) / average)
        documents[number] = documents[number]! + (weight * times * (K1 + 1)) / (times + norm)
        covered[number] = covered[number]! + weight
        if (detail & IN_TITLE) titles[number] = titles[number]! + rarity
        if (detail & IN_PATH) paths[number] = paths[number]! + rarity
      }
    }
  }
}

function addChunks(index: FieldedIndex, room: MatchRoom, query: QueryTerms): void {
  const sums = room.chunks
  const lengths = index.chunkLengths.values
  const average = index.totalChunkLength / Math.max(1, index.liveChunks)
  for (let slot = 0; slot < query.terms.length; slot++) {
    const weight = query.weights[slot]!
    const reader = index.byChunk.reader(query.terms[slot]!)
    const { numbers, details } = reader
    while (reader.next()) {
      for (let i = 0; i < reader.count; i++) {
        const at = numbers[i]!
        const length = lengths[at]!
        if (length === 0) continue
        const times = details[i]! >>> 2
        const norm = K1 * (1 - CHUNK_B + (CHUNK_B * (length - 1)) / average)
        sums[at] = sums[at]! + (weight * times * (K1 + 1)) / (times + norm)
      }
    }
  }
}

const share = (sum: number, mass: number) => (mass > 0 ? Math.min(1, sum / mass) : 0)
const shares = (index: FieldedIndex, room: MatchRoom, number: number) =>
  [
    share(room.titles[number]!, index.titleMasses.values[number]!),
    share(room.paths[number]!, index.pathMasses.values[number]!),
  ] as const

/** Chunk numbers, best first by the sums alone; of each document the best chunk first, the others standing back. */
function bestChunks(
  index: FieldedIndex,
  room: MatchRoom,
  scale: number,
  accept: (facts: FilteredFacts) => boolean,
  limit: number,
): number[] {
  const best = new BestOf(limit)
  const { table } = index
  const accepted = table.facets.test(accept)
  const acceptsChunk = (at: number) => accepted(table.facetOf(at))
  for (let number = 0; number < table.documentCount; number++) {
    if (room.documents[number] === 0) continue
    const [titleShare, pathShare] = shares(index, room, number)
    const common =
      FIRST_WEIGHTS.document * room.documents[number]! * scale + FIRST_WEIGHTS.title * titleShare + FIRST_WEIGHTS.path * pathShare
    const [from, end] = [table.firstChunkOf(number), table.firstChunkOf(number + 1)]
    addDocument(best, room, from, end, common, FIRST_WEIGHTS.passage * scale, acceptsChunk)
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
  const stood = sorted.map(({ number, at, key, score, signals }) => {
    const before = seen.get(number) ?? 0
    seen.set(number, before + 1)
    return { at, key, signals, score: score * FURTHER ** before }
  })
  return stood.sort((a, b) => b.score - a.score || a.at - b.at).map(({ key, signals, score }) => ({ key, signals, score }))
}
