/** A document's terms in order, as numbers. */
type Words = ArrayLike<number>

const FIRST_SLOTS = 1 << 14
const MAX_SLOTS = 1 << 22

/**
 * In how many documents two words stand side by side, counted by hash: collisions make a pair look commoner than it is, never rarer.
 * Grows with what it counts, up to 16 MB.
 */
export class PairCounts {
  #slots = new Uint32Array(FIRST_SLOTS)
  #filled = 0
  readonly #hashOf: (term: number) => number

  /** @param hashOf of the term itself and not of its number, so that the same documents collide alike in whatever order they came */
  constructor(hashOf: (term: number) => number) {
    this.#hashOf = hashOf
  }

  /** @param live all documents counted so far, for when the table has to grow */
  add(document: Words, live: () => Iterable<Words>): void {
    this.#count(document, 1)
    if (2 * this.#filled < this.#slots.length || this.#slots.length === MAX_SLOTS) return
    this.#slots = new Uint32Array(2 * this.#slots.length)
    this.#filled = 0
    for (const each of live()) this.#count(each, 1)
  }

  remove(document: Words): void {
    this.#count(document, -1)
  }

  documentsWith(first: number, second: number): number {
    return this.#slots[slotOf(this.#hashOf(first), this.#hashOf(second)) & (this.#slots.length - 1)]!
  }

  #count(terms: Words, by: 1 | -1): void {
    const mask = this.#slots.length - 1
    const seen = new Set<number>()
    let before = terms.length > 0 ? this.#hashOf(terms[0]!) : 0
    for (let i = 1; i < terms.length; i++) {
      const hash = this.#hashOf(terms[i]!)
      seen.add(slotOf(before, hash) & mask)
      before = hash
    }
    for (const slot of seen) {
      if (this.#slots[slot] === 0) this.#filled++
      this.#slots[slot] = this.#slots[slot]! + by
    }
  }
}

function slotOf(first: number, second: number): number {
  let value = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b)
  value ^= value >>> 15
  value = Math.imul(value, 0xc2b2ae35)
  return (value ^ (value >>> 13)) >>> 0
}
