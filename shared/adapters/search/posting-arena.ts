const HEADER = 3
const FIRST_CAPACITY = 2
const MAX_CAPACITY = 1_024

/**
 * Many growing lists of 32-bit numbers in one typed array: chains of blocks, each twice as large as the one before (up to 1,024). A
 * list of one number costs 20 bytes, where an array of its own would cost 200.
 *
 * A block is [offset of the next block or 0, numbers in use, capacity, numbers…]; offset 0 is never a block.
 */
export class PostingArena {
  words = new Uint32Array(1_024)
  #end = 1
  /** By list: offset of the first block, 0 for none. */
  heads = new Uint32Array(256)
  #tails = new Uint32Array(256)

  get bytes(): number {
    return this.words.byteLength + 2 * this.heads.byteLength
  }

  append(list: number, value: number): void {
    if (list >= this.heads.length) this.#growLists(list)
    let block = this.#tails[list]!
    if (block === 0 || this.words[block + 1] === this.words[block + 2]) block = this.#addBlock(list, block)
    const used = this.words[block + 1]!
    this.words[block + HEADER + used] = value
    this.words[block + 1] = used + 1
  }

  #addBlock(list: number, last: number): number {
    const capacity = last === 0 ? FIRST_CAPACITY : Math.min(2 * this.words[last + 2]!, MAX_CAPACITY)
    const block = this.#end
    this.#end += HEADER + capacity
    if (this.#end > this.words.length) this.#growWords()
    this.words[block + 2] = capacity
    if (last === 0) this.heads[list] = block
    else this.words[last] = block
    this.#tails[list] = block
    return block
  }

  #growWords(): void {
    const larger = new Uint32Array(Math.ceil(Math.max(this.#end, 1.5 * this.words.length)))
    larger.set(this.words)
    this.words = larger
  }

  #growLists(list: number): void {
    const grown = (old: Uint32Array) => {
      const larger = new Uint32Array(Math.max(list + 1, 2 * old.length))
      larger.set(old)
      return larger
    }
    this.heads = grown(this.heads)
    this.#tails = grown(this.#tails)
  }
}
