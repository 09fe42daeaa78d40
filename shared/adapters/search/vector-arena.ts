import { dotsOver, type LinearMemory, NUMBERS_PER_TURN, newMemory, PAGE_BYTES } from './dot-products.ts'

export const ROWS_PER_SLAB = 512
/** What a unit is in the arena's 16-bit numbers: the largest power of two with which no sum of products overflows 32 bits. */
const UNIT = 1 << 14

/** How long a vector was, and how far its direction moved when it was rounded (both as Euclidean norms). */
export type Rounded = { readonly norm: number; readonly error: number }

/**
 * Memory for all matrices of a process, handed out in slabs and reused: it grows to the high-water mark and stays there. Of a vector
 * it holds the direction in 16-bit numbers, half of what floats take.
 */
export class VectorArena {
  readonly rowNumbers: number
  readonly slabBytes: number
  readonly #memory: LinearMemory
  readonly #dots: ReturnType<typeof dotsOver>
  readonly #free: number[] = []
  readonly #queryAt = 0
  readonly #outAt: number
  #end: number
  #numbers: Int16Array

  constructor(dimensions: number) {
    this.rowNumbers = Math.ceil(dimensions / NUMBERS_PER_TURN) * NUMBERS_PER_TURN
    this.slabBytes = ROWS_PER_SLAB * this.rowNumbers * 2
    this.#memory = newMemory()
    this.#dots = dotsOver(this.#memory)
    this.#outAt = this.rowNumbers * 2
    this.#end = this.#outAt + ROWS_PER_SLAB * 4
    this.#numbers = new Int16Array(this.#memory.buffer)
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

  setRow(slab: number, row: number, vector: Float32Array): Rounded {
    return this.#round(vector, slab / 2 + row * this.rowNumbers)
  }

  moveRow(fromSlab: number, fromRow: number, toSlab: number, toRow: number): void {
    const from = fromSlab / 2 + fromRow * this.rowNumbers
    this.#numbers.copyWithin(toSlab / 2 + toRow * this.rowNumbers, from, from + this.rowNumbers)
  }

  setQuery(vector: Float32Array): Rounded {
    return this.#round(vector, this.#queryAt / 2)
  }

  /** Cosines of the query with the first `count` rows of a slab, times `DOT_UNIT`; valid until the next call. */
  dots(slab: number, count: number): Int32Array {
    this.#dots(this.#queryAt, slab, count, this.rowNumbers * 2, this.#outAt)
    return new Int32Array(this.#memory.buffer, this.#outAt, count)
  }

  #round(vector: Float32Array, at: number): Rounded {
    const numbers = this.#numbers
    let square = 0
    for (const value of vector) square += value * value
    const norm = Math.sqrt(square)
    numbers.fill(0, at, at + this.rowNumbers)
    if (norm === 0) return { norm, error: 0 }
    let missed = 0
    for (let i = 0; i < vector.length; i++) {
      const exact = (vector[i]! / norm) * UNIT
      const rounded = Math.round(exact)
      numbers[at + i] = rounded
      missed += (exact - rounded) ** 2
    }
    return { norm, error: Math.sqrt(missed) / UNIT }
  }

  #reach(bytes: number): void {
    const missing = bytes - this.#memory.buffer.byteLength
    if (missing <= 0) return
    this.#memory.grow(Math.ceil(missing / PAGE_BYTES))
    this.#numbers = new Int16Array(this.#memory.buffer)
  }
}

/** By this the arena's dot products are larger than cosines. */
export const DOT_UNIT = UNIT * UNIT
