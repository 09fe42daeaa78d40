import type { FilteredFacts } from './chunk-filter.ts'
import { floats, wholeNumbers } from './columns.ts'
import { Facets } from './facets.ts'
import { DOT_UNIT, ROWS_PER_SLAB, type VectorArena } from './vector-arena.ts'

export type VectorRow = FilteredFacts & {
  /** Names the row for its owner. */
  readonly key: number
  readonly documentId: string
}
export type Neighbour = { readonly key: number; readonly score: number }

/** More than asked for that one pass keeps, for those that rounding may have put behind. */
const SPARE = 32
/** Beyond this many within the error of rounding the order among them is that of the rounded vectors. */
const MAX_POOL = 1_000

/**
 * The vectors of one tenant, for exact search by cosine: a pass over the rounded ones finds all that can be among the best, given how far
 * rounding may be off (Cauchy and Schwarz), and those are compared by the vectors as they came.
 */
export class VectorMatrix {
  readonly #arena: VectorArena
  readonly #slabs: number[] = []
  readonly #facets = new Facets()
  /** By row. */
  readonly #keys = floats()
  readonly #norms = floats()
  readonly #facet = wholeNumbers()
  readonly #owner = wholeNumbers()
  /** Rows of one document, in both directions; one more than the row, 0 at the ends. */
  readonly #next = wholeNumbers()
  readonly #previous = wholeNumbers()
  /** By number of document: one more than its first row. */
  readonly #first = wholeNumbers()
  readonly #documents = new Map<string, number>()
  readonly #freeDocuments: number[] = []
  #worstError = 0
  #longest = 0

  constructor(arena: VectorArena) {
    this.#arena = arena
  }

  get bytes(): number {
    return this.#slabs.length * this.#arena.slabBytes
  }

  add(row: VectorRow, vector: Float32Array): void {
    const position = this.#keys.length
    if (position === this.#slabs.length * ROWS_PER_SLAB) this.#slabs.push(this.#arena.take())
    const { norm, error } = this.#arena.setRow(this.#slabOf(position), position % ROWS_PER_SLAB, vector)
    this.#worstError = Math.max(this.#worstError, error)
    this.#longest = Math.max(this.#longest, norm)
    const document = this.#numberOf(row.documentId)
    const first = this.#first.values[document]!
    this.#keys.push(row.key)
    this.#norms.push(norm)
    this.#facet.push(this.#facets.take(row))
    this.#owner.push(document)
    this.#next.push(first)
    this.#previous.push(0)
    if (first > 0) this.#previous.values[first - 1] = position + 1
    this.#first.values[document] = position + 1
  }

  removeDocument(documentId: string): void {
    const document = this.#documents.get(documentId)
    if (document === undefined) return
    for (let row = this.#first.values[document]!; row > 0; row = this.#first.values[document]!) this.#remove(row - 1)
    this.#documents.delete(documentId)
    this.#freeDocuments.push(document)
  }

  /** Gives the memory back; not to be used afterwards. */
  release(): void {
    this.#arena.giveBack(this.#slabs.splice(0))
    this.#keys.length = 0
  }

  /**
   * The best `limit` of the rows that `accept` lets through; equal scores in order of key.
   * @param exact the vector of a row as it was added
   */
  nearest(
    query: Float32Array,
    accept: (facts: FilteredFacts) => boolean,
    limit: number,
    exact: (key: number) => Float32Array,
  ): Neighbour[] {
    if (limit < 1) return []
    const { norm, error } = this.#arena.setQuery(query)
    if (norm === 0) return this.#pass(norm, accept, limit)
    // How far the product of two rounded directions can be off the product of the exact ones.
    const margin = 2 * norm * this.#longest * (error + this.#worstError + error * this.#worstError + 1e-7)
    for (let size = limit + SPARE; ; size *= 4) {
      const pool = this.#pass(norm, accept, size)
      const bar = (pool[limit - 1]?.score ?? Number.NEGATIVE_INFINITY) - margin
      // A full pool whose last might still be among the best may have shut others out.
      if (pool.length === size && pool[size - 1]!.score >= bar && size < MAX_POOL) continue
      const rescored = pool.filter(({ score }) => score >= bar).map(({ key }) => ({ key, score: dot(query, exact(key)) }))
      return rescored.sort((a, b) => b.score - a.score || a.key - b.key).slice(0, limit)
    }
  }

  /** The best by the rounded vectors. */
  #pass(norm: number, accept: (facts: FilteredFacts) => boolean, size: number): Neighbour[] {
    const best: Neighbour[] = []
    const accepted = this.#facets.test(accept)
    const [keys, norms, facets] = [this.#keys.values, this.#norms.values, this.#facet.values]
    const scale = norm / DOT_UNIT
    let least = Number.NEGATIVE_INFINITY
    for (let slab = 0; slab < this.#slabs.length; slab++) {
      const first = slab * ROWS_PER_SLAB
      const dots = this.#arena.dots(this.#slabs[slab]!, Math.min(ROWS_PER_SLAB, this.#keys.length - first))
      for (let i = 0; i < dots.length; i++) {
        const score = dots[i]! * scale * norms[first + i]!
        if (score < least || !accepted(facets[first + i]!)) continue
        insert(best, { key: keys[first + i]!, score }, size)
        if (best.length === size) least = best[size - 1]!.score
      }
    }
    return best
  }

  /** Takes a row out and closes the gap with the last one, so that rows stay dense. */
  #remove(position: number): void {
    this.#unlink(position)
    this.#facets.giveBack(this.#facet.values[position]!)
    const last = this.#keys.length - 1
    if (position !== last) this.#move(last, position)
    for (const column of [this.#keys, this.#norms, this.#facet, this.#owner, this.#next, this.#previous]) column.length--
    if (last <= (this.#slabs.length - 1) * ROWS_PER_SLAB) this.#arena.giveBack([this.#slabs.pop()!])
  }

  #move(from: number, to: number): void {
    this.#arena.moveRow(this.#slabOf(from), from % ROWS_PER_SLAB, this.#slabOf(to), to % ROWS_PER_SLAB)
    for (const column of [this.#keys, this.#norms, this.#facet, this.#owner, this.#next, this.#previous])
      column.values[to] = column.values[from]!
    this.#link(to, to + 1)
  }

  #unlink(position: number): void {
    const next = this.#next.values[position]!
    const previous = this.#previous.values[position]!
    if (next > 0) this.#previous.values[next - 1] = previous
    if (previous > 0) this.#next.values[previous - 1] = next
    else this.#first.values[this.#owner.values[position]!] = next
  }

  /** Makes the neighbours of a row, or its document, name it as `name`. */
  #link(position: number, name: number): void {
    const next = this.#next.values[position]!
    const previous = this.#previous.values[position]!
    if (next > 0) this.#previous.values[next - 1] = name
    if (previous > 0) this.#next.values[previous - 1] = name
    else this.#first.values[this.#owner.values[position]!] = name
  }

  #numberOf(documentId: string): number {
    const known = this.#documents.get(documentId)
    if (known !== undefined) return known
    const number = this.#freeDocuments.pop() ?? this.#first.length
    if (number === this.#first.length) this.#first.push(0)
    this.#first.values[number] = 0
    this.#documents.set(documentId, number)
    return number
  }

  #slabOf(row: number): number {
    return this.#slabs[Math.floor(row / ROWS_PER_SLAB)]!
  }
}

const before = (a: Neighbour, b: Neighbour) => a.score > b.score || (a.score === b.score && a.key < b.key)

function insert(best: Neighbour[], item: Neighbour, limit: number): void {
  let low = 0
  let high = best.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (before(best[middle]!, item)) low = middle + 1
    else high = middle
  }
  best.splice(low, 0, item)
  if (best.length > limit) best.pop()
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
