import { wholeNumbers } from './columns.ts'

/** "configure", "configuration" and "configured" share this many letters; fewer would bring together what has nothing in common. */
const LETTERS = 6
const SLOTS = 1 << 17

/**
 * The first letters of each term, as slots by hash, and how many documents hold words that begin so: collisions make a beginning look
 * commoner than it is, never rarer. A document with two words of one beginning counts twice.
 */
export class TermBeginnings {
  readonly #slotOf = wholeNumbers()
  readonly #documents = new Uint32Array(SLOTS)

  /** The next term, in the order of term numbers. */
  push(term: string): void {
    this.#slotOf.push(slotOf(term))
  }

  /** By term number. */
  get slots(): Uint32Array {
    return this.#slotOf.values
  }

  count(terms: Iterable<number>, by: 1 | -1): void {
    const slots = this.#slotOf.values
    for (const term of terms) {
      const slot = slots[term]!
      this.#documents[slot] = this.#documents[slot]! + by
    }
  }

  documentsWith(slot: number): number {
    return this.#documents[slot]!
  }

  static readonly size = SLOTS
}

/** Of its first letters, folded to the number of slots. */
export function slotOf(term: string): number {
  const value = hashOf(term, LETTERS)
  return ((value >>> 15) ^ value) & (SLOTS - 1)
}

/** FNV-1a over the first UTF-16 units, in 32 bits. */
export function hashOf(term: string, letters = term.length): number {
  let value = 0x811c9dc5
  for (let i = 0; i < Math.min(letters, term.length); i++) value = Math.imul(value ^ term.charCodeAt(i), 0x01000193)
  return value >>> 0
}
