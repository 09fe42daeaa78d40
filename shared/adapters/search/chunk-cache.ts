import type { DatabaseSync } from 'node:sqlite'
import { Chunk } from '#shared/domain/document.ts'

const MAX_CHUNKS = 2_000

/** Chunks that searches brought up lately, by key; to be cleared whenever the tenant's documents change. */
export class ChunkCache {
  readonly #chunks = new Map<number, Chunk>()

  /** @param database read where the chunk is not here; its table `chunk` has `id` and `body` */
  get(database: DatabaseSync, keys: readonly number[]): Chunk[] {
    const bodyOf = database.prepare('SELECT body FROM chunk WHERE id = ?')
    return keys.map((key) => {
      const known = this.#chunks.get(key)
      if (known !== undefined) return known
      const chunk = Chunk.parse(JSON.parse(String(bodyOf.get(key)?.['body'])))
      if (this.#chunks.size >= MAX_CHUNKS) this.#chunks.delete(this.#chunks.keys().next().value!)
      this.#chunks.set(key, chunk)
      return chunk
    })
  }

  clear(): void {
    this.#chunks.clear()
  }
}
