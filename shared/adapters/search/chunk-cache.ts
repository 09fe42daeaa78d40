import type { DatabaseSync } from 'node:sqlite'
import type { Chunk } from '#shared/domain/document.ts'

/** Of all tenants together; about as many bytes in Latin scripts, twice that in others. */
const MAX_CHARACTERS = 24_000_000
/** What a chunk takes beside its text. */
const OVERHEAD_CHARACTERS = 500

/** Chunks that searches brought up lately. Whoever changes or reads anew a document says so (`forget`). */
export class ChunkCache {
  /** Tenants in order of use, the least recent first; their chunks by key. */
  readonly #tenants = new Map<string, Map<number, Chunk>>()
  readonly #maxCharacters: number
  #characters = 0

  constructor(maxCharacters = MAX_CHARACTERS) {
    this.#maxCharacters = maxCharacters
  }

  /** @param database read where the chunk is not here; its table `chunk` has `id` and `body`, which was written by us from a parsed chunk */
  get(tenantId: string, database: DatabaseSync, keys: readonly number[]): Chunk[] {
    const known = this.#tenants.get(tenantId) ?? new Map<number, Chunk>()
    this.#tenants.delete(tenantId)
    this.#tenants.set(tenantId, known)
    let bodyOf: ReturnType<DatabaseSync['prepare']> | undefined
    const chunks = keys.map((key) => {
      const found = known.get(key)
      if (found !== undefined) return found
      bodyOf ??= database.prepare('SELECT body FROM chunk WHERE id = ?')
      const chunk = JSON.parse(String(bodyOf.get(key)?.['body'])) as Chunk
      known.set(key, chunk)
      this.#characters += sizeOf(chunk)
      return chunk
    })
    this.#makeRoom()
    return chunks
  }

  forget(tenantId: string, documents: readonly string[] | 'everything'): void {
    const known = this.#tenants.get(tenantId)
    if (known === undefined) return
    const gone = documents === 'everything' ? undefined : new Set(documents)
    for (const [key, chunk] of known) {
      if (gone !== undefined && !gone.has(chunk.documentId)) continue
      known.delete(key)
      this.#characters -= sizeOf(chunk)
    }
  }

  #makeRoom(): void {
    for (const [tenantId, known] of this.#tenants) {
      for (const [key, chunk] of known) {
        if (this.#characters <= this.#maxCharacters) return
        known.delete(key)
        this.#characters -= sizeOf(chunk)
      }
      this.#tenants.delete(tenantId)
    }
  }
}

const sizeOf = (chunk: Chunk) => chunk.text.length + OVERHEAD_CHARACTERS
