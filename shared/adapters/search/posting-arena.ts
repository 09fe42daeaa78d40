const WORDS_PER_SEGMENT = 1 << 16
const OFFSET_BITS = 16
const OFFSET_MASK = WORDS_PER_SEGMENT - 1
const FIRST_WORDS = 1_024

/** A block is [number of the next block or 0, bytes in use << 16 | capacity in bytes, bytes…]. */
const HEADER_WORDS = 2
const FIRST_CAPACITY = 4
const MAX_CAPACITY = 2_048

type Segment = { readonly words: Uint32Array; readonly bytes: Uint8Array }

/**
 * Many growing lists of postings in few typed arrays: chains of blocks, each twice as large as the one before (up to 2 KB). Numbers of
 * a list ascend, so their differences are kept, in as many bytes as they need (LEB128), and what a posting says beside its number
 * only where it says more than "once": about two bytes a posting, where a number and a frequency would take eight.
 *
 * A block is named by its place, counted in words over all segments; 0 is never a block.
 */
export class PostingArena {
  readonly #segments: Segment[] = [segment(FIRST_WORDS)]
  #end = 1
  /** By list: its first block (0 for none), its last, and the last number in it. */
  #heads = new Uint32Array(256)
  #tails = new Uint32Array(256)
  #lasts = new Uint32Array(256)

  /**
   * @param number not below the last one of the list
   * @param times how often, from 1
   * @param flags two bits
   */
  append(list: number, number: number, times: number, flags: number): void {
    if (list >= this.#heads.length) this.#growLists(list)
    const step = number - this.#lasts[list]!
    const plain = times === 1 && flags === 0
    const details = (times << 2) | flags
    const length = sizeOf(step * 2) + (plain ? 0 : sizeOf(details))
    const block = this.#blockWith(list, length)
    const { words, bytes } = this.#segments[block >>> OFFSET_BITS]!
    const at = block & OFFSET_MASK
    const used = words[at + 1]! >>> 16
    let to = 4 * (at + HEADER_WORDS) + used
    to = write(bytes, to, step * 2 + (plain ? 0 : 1))
    if (!plain) write(bytes, to, details)
    words[at + 1] = words[at + 1]! + (length << 16)
    this.#lasts[list] = number
  }

  /** Reads a list from its beginning; one reader at a time is in use, so all share what they read into. */
  reader(list: number): PostingReader {
    return new PostingReader(this.#segments, this.#heads[list] ?? 0)
  }

  /** @returns the list's last block, or a new one where `length` bytes more do not fit into it */
  #blockWith(list: number, length: number): number {
    const last = this.#tails[list]!
    let capacity = FIRST_CAPACITY
    if (last !== 0) {
      const state = this.#segments[last >>> OFFSET_BITS]!.words[(last & OFFSET_MASK) + 1]!
      if ((state >>> 16) + length <= (state & 0xffff)) return last
      capacity = Math.min(2 * (state & 0xffff), MAX_CAPACITY)
    }
    const block = this.#newBlock(Math.max(capacity, length <= FIRST_CAPACITY ? FIRST_CAPACITY : 8))
    if (last === 0) this.#heads[list] = block
    else this.#segments[last >>> OFFSET_BITS]!.words[last & OFFSET_MASK] = block
    this.#tails[list] = block
    return block
  }

  #newBlock(capacity: number): number {
    const size = HEADER_WORDS + capacity / 4
    if ((this.#end & OFFSET_MASK) + size > WORDS_PER_SEGMENT) this.#end = (this.#end | OFFSET_MASK) + 1
    const block = this.#end
    this.#end += size
    this.#reach(block >>> OFFSET_BITS, (block & OFFSET_MASK) + size)
    this.#segments[block >>> OFFSET_BITS]!.words[(block & OFFSET_MASK) + 1] = capacity
    return block
  }

  /** The first segment begins small, for tenants of a few documents. */
  #reach(number: number, words: number): void {
    const current = this.#segments[number]
    if (current === undefined) this.#segments.push(segment(WORDS_PER_SEGMENT))
    else if (current.words.length < words) {
      const larger = segment(Math.min(WORDS_PER_SEGMENT, Math.max(words, 2 * current.words.length)))
      larger.words.set(current.words)
      this.#segments[number] = larger
    }
  }

  #growLists(list: number): void {
    const grown = (old: Uint32Array) => {
      const larger = new Uint32Array(Math.max(list + 1, Math.ceil(1.5 * old.length)))
      larger.set(old)
      return larger
    }
    this.#heads = grown(this.#heads)
    this.#tails = grown(this.#tails)
    this.#lasts = grown(this.#lasts)
  }
}

const readNumbers = new Uint32Array(MAX_CAPACITY)
const readDetails = new Uint16Array(MAX_CAPACITY)
const ONCE = 1 << 2

/** A list, block by block: `while (reader.next()) for (let i = 0; i < reader.count; i++) …`. */
export class PostingReader {
  readonly numbers = readNumbers
  /** Times << 2 | flags. */
  readonly details = readDetails
  count = 0
  readonly #segments: readonly Segment[]
  #block: number
  #last = 0

  constructor(segments: readonly Segment[], block: number) {
    this.#segments = segments
    this.#block = block
  }

  next(): boolean {
    if (this.#block === 0) return false
    const { words, bytes } = this.#segments[this.#block >>> OFFSET_BITS]!
    const start = this.#block & OFFSET_MASK
    let at = 4 * (start + HEADER_WORDS)
    const end = at + (words[start + 1]! >>> 16)
    let last = this.#last
    let count = 0
    while (at < end) {
      let byte = bytes[at++]!
      const says = byte & 1
      let step = (byte & 0x7f) >>> 1
      for (let shift = 6; byte >= 0x80; shift += 7) {
        byte = bytes[at++]!
        step |= (byte & 0x7f) << shift
      }
      last += step
      let details = ONCE
      if (says === 1) {
        byte = bytes[at++]!
        details = byte & 0x7f
        if (byte >= 0x80) details |= bytes[at++]! << 7
      }
      readNumbers[count] = last
      readDetails[count] = details
      count++
    }
    this.count = count
    this.#last = last
    this.#block = words[start]!
    return true
  }
}

function segment(size: number): Segment {
  const words = new Uint32Array(size)
  return { words, bytes: new Uint8Array(words.buffer) }
}

/** Bytes of a number below 2^33 in LEB128. */
const sizeOf = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5

function write(bytes: Uint8Array, from: number, value: number): number {
  let at = from
  let rest = value
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[at++] = rest
  return at
}
