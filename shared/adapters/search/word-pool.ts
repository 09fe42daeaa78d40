const SEGMENT_BYTES = 1 << 18
const FIRST_BYTES = 4_096

/**
 * Sequences of term numbers, one after another, in as many bytes as each number needs (LEB128): terms that came early are the common
 * ones, and those have small numbers. A sequence is named by where it begins and stays where it is.
 */
export class WordPool {
  readonly #segments: Uint8Array[] = [new Uint8Array(FIRST_BYTES)]
  #segment = 0
  #end = 0

  /** @returns where it begins, for `read` */
  add(terms: readonly number[]): number {
    let length = 0
    for (const term of terms) length += term < 0x80 ? 1 : term < 0x4000 ? 2 : term < 0x20_0000 ? 3 : term < 0x1000_0000 ? 4 : 5
    this.#reach(length)
    const bytes = this.#segments[this.#segment]!
    const start = this.#segment * SEGMENT_BYTES + this.#end
    let at = this.#end
    for (const term of terms) {
      let rest = term
      while (rest >= 0x80) {
        bytes[at++] = (rest & 0x7f) | 0x80
        rest >>>= 7
      }
      bytes[at++] = rest
    }
    this.#end = at
    return start
  }

  /** Reads `count` terms into `into` from `offset` on. */
  read(start: number, count: number, into: Uint32Array, offset: number): void {
    const bytes = this.#segments[Math.floor(start / SEGMENT_BYTES)]!
    let at = start % SEGMENT_BYTES
    for (let i = offset; i < offset + count; i++) {
      let byte = bytes[at++]!
      let term = byte & 0x7f
      for (let shift = 7; byte >= 0x80; shift += 7) {
        byte = bytes[at++]!
        term |= (byte & 0x7f) << shift
      }
      into[i] = term
    }
  }

  /** A sequence lies within one segment; one that is longer than segments are gets a segment of its own. */
  #reach(length: number): void {
    const current = this.#segments[this.#segment]!
    if (this.#end + length <= current.length && this.#end < SEGMENT_BYTES) return
    if (this.#segment === 0 && this.#end + length <= SEGMENT_BYTES) {
      const larger = new Uint8Array(Math.min(SEGMENT_BYTES, Math.max(2 * current.length, this.#end + length)))
      larger.set(current)
      this.#segments[0] = larger
      return
    }
    this.#segments.push(new Uint8Array(Math.max(SEGMENT_BYTES, length)))
    this.#segment++
    this.#end = 0
  }
}
