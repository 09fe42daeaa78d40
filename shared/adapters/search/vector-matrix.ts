import { dotsOver, FLOATS_PER_TURN, type LinearMemory, newMemory, PAGE_BYTES } from './dot-products.ts'

const ROWS_PER_SLAB = 512

/** Memory for all matrices of a process, handed out in slabs and reused: it grows to the high-water mark and stays there. */
export class VectorArena {
  readonly rowFloats: number
  readonly slabBytes: number
  readonly #memory: LinearMemory
  readonly #dots: ReturnType<typeof dotsOver>
  readonly #free: number[] = []
  readonly #queryAt = 0
  readonly #outAt: number
  #end: number
  #floats: Float32Array

  constructor(dimensions: number) {
    this.rowFloats = Math.ceil(dimensions / FLOATS_PER_TURN) * FLOATS_PER_TURN
    this.slabBytes = ROWS_PER_SLAB * this.rowFloats * 4
    this.#memory = newMemory()
    this.#dots = dotsOver(this.#memory)
    this.#outAt = this.rowFloats * 4
    this.#end = this.#outAt + ROWS_PER_SLAB * 4
    this.#floats = new Float32Array(this.#memory.buffer)
    this.#reach(this.#end)
  }

  /** @returns the slab's byte offset */
  take(): number {
    const free = this.#free.pop()
    if (free !== undefined) return free
    const at = this.#end
    this.#reach(at + this.slabBytes)
    this.#end = at + this.slabBytes
    return at
  }

  giveBack(slabs: readonly number[]): void {
    this.#free.push(...slabs)
  }

  setRow(slab: number, row: number, vector: Float32Array): void {
    const at = slab / 4 + row * this.rowFloats
    this.#floats.fill(0, at, at + this.rowFloats)
    this.#floats.set(vector, at)
  }

  moveRow(fromSlab: number, fromRow: number, toSlab: number, toRow: number): void {
    const from = fromSlab / 4 + fromRow * this.rowFloats
    this.#floats.copyWithin(toSlab / 4 + toRow * this.rowFloats, from, from + this.rowFloats)
  }

  setQuery(vector: Float32Array): void {
    this.#floats.fill(0, this.#queryAt / 4, this.#queryAt / 4 + this.rowFloats)
    this.#floats.set(vector, this.#queryAt / 4)
  }

  /** Dot products of the query with the first `count` rows of a slab; valid until the next call. */
  dots(slab: number, count: number): Float32Array {
    this.#dots(this.#queryAt, slab, count, this.rowFloats * 4, this.#outAt)
    return this.#floats.subarray(this.#outAt / 4, this.#outAt / 4 + count)
  }

  #reach(bytes: number): void {
    const missing = bytes - this.#memory.buffer.byteLength
    if (missing <= 0) return
    this.#memory.grow(Math.ceil(missing / PAGE_BYTES))
    this.#floats = new Float32Array(this.#memory.buffer)
  }
}

export type VectorRow = {
  /** Names the row for its owner. */
  readonly key: number
  readonly documentId: string
  readonly audience: string
  readonly product: string | undefined
  readonly language: string | undefined
  readonly modifiedAt?: string | undefined
}
export type Neighbour = { readonly key: number; readonly score: number }

/** The vectors of one tenant, for exact search by cosine (unit vectors, so the dot product). */
export class VectorMatrix {
  readonly #arena: VectorArena
  readonly #slabs: number[] = []
  readonly #rows: VectorRow[] = []
  readonly #ofDocument = new Map<string, Set<number>>()

  constructor(arena: VectorArena) {
    this.#arena = arena
  }

  get bytes(): number {
    return this.#slabs.length * this.#arena.slabBytes
  }

  add(row: VectorRow, vector: Float32Array): void {
    const position = this.#rows.length
    if (position === this.#slabs.length * ROWS_PER_SLAB) this.#slabs.push(this.#arena.take())
    this.#arena.setRow(this.#slabs[Math.floor(position / ROWS_PER_SLAB)]!, position % ROWS_PER_SLAB, vector)
    this.#rows.push(row)
    const positions = this.#ofDocument.get(row.documentId)
    if (positions) positions.add(position)
    else this.#ofDocument.set(row.documentId, new Set([position]))
  }

  removeDocument(documentId: string): void {
    const positions = [...(this.#ofDocument.get(documentId) ?? [])].sort((a, b) => b - a)
    this.#ofDocument.delete(documentId)
    for (const position of positions) this.#fill(position)
  }

  release(): void {
    this.#arena.giveBack(this.#slabs.splice(0))
    this.#rows.length = 0
    this.#ofDocument.clear()
  }

  /** The best `limit` of the rows that `accept` lets through; equal scores in order of key. */
  nearest(query: Float32Array, accept: (row: VectorRow) => boolean, limit: number): Neighbour[] {
    const best: Neighbour[] = []
    if (limit < 1) return best
    this.#arena.setQuery(query)
    for (let slab = 0; slab < this.#slabs.length; slab++) {
      const first = slab * ROWS_PER_SLAB
      const scores = this.#arena.dots(this.#slabs[slab]!, Math.min(ROWS_PER_SLAB, this.#rows.length - first))
      for (let i = 0; i < scores.length; i++) {
        const score = scores[i]!
        if (best.length === limit && score < best[limit - 1]!.score) continue
        const row = this.#rows[first + i]!
        if (accept(row)) insert(best, { key: row.key, score }, limit)
      }
    }
    return best
  }

  /** Closes the gap with the last row, so that rows stay dense. */
  #fill(position: number): void {
    const last = this.#rows.length - 1
    const moved = this.#rows[last]!
    if (position !== last) {
      const slabOf = (at: number) => this.#slabs[Math.floor(at / ROWS_PER_SLAB)]!
      this.#arena.moveRow(slabOf(last), last % ROWS_PER_SLAB, slabOf(position), position % ROWS_PER_SLAB)
      this.#rows[position] = moved
      const positions = this.#ofDocument.get(moved.documentId)
      positions?.delete(last)
      positions?.add(position)
    }
    this.#rows.pop()
    if (this.#rows.length <= (this.#slabs.length - 1) * ROWS_PER_SLAB) this.#arena.giveBack([this.#slabs.pop()!])
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
