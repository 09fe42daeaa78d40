import type { DatabaseSync } from 'node:sqlite'
import type { Chunk } from '#shared/domain/document.ts'

/** Of all tenants together; about as many bytes in Latin scripts, twice that in others. */
const MAX_CHARACTERS = 24_000_000
/** What a chunk takes beside its text. */
const OVERHEAD_CHARACTERS = 500

/** Of one tenant, in order of arrival; which of them are of which document, so that a change costs what it changed. */
type Known = { readonly chunks: Map<number, Chunk>; readonly keysOf: Map<string, Set<number>> }

/** Chunks that searches brought up lately. Whoever changes or reads anew a document says so (`forget`). */
export class ChunkCache {
  /** In order of use, the least recent first. */
  readonly #tenants = new Map<string, Known>()
  readonly #maxCharacters: number
  #characters = 0

  constructor(maxCharacters = MAX_CHARACTERS) {
    this.#maxCharacters = maxCharacters
  }

  /** @param database read where the chunk is not here; its table `chunk` has `id` and `body`, which was written by us from a parsed chunk */
  get(tenantId: string, database: DatabaseSync, keys: readonly number[]): Chunk[] {
    const known = this.#tenants.get(tenantId) ?? { chunks: new Map(), keysOf: new Map() }
    this.#tenants.delete(tenantId)
    this.#tenants.set(tenantId, known)
    let bodyOf: ReturnType<DatabaseSync['prepare']> | undefined
    const chunks = keys.map((key) => {
      const found = known.chunks.get(key)
      if (found !== undefined) return found
      bodyOf ??= database.prepare('SELECT body FROM chunk WHERE id = ?')
      const chunk = JSON.parse(String(bodyOf.get(key)?.['body'])) as Chunk
      this.#keep(known, key, chunk)
      return chunk
    })
    this.#makeRoom()
    return chunks
  }

  forget(tenantId: string, documents: readonly string[] | 'everything'): void {
    const known = this.#tenants.get(tenantId)
    if (known === undefined) return
    for (const documentId of documents === 'everything' ? [...known.keysOf.keys()] : documents)
      for (const key of known.keysOf.get(documentId) ?? []) this.#drop(known, key)
  }

  #keep(known: Known, key: number, chunk: Chunk): void {
    known.chunks.set(key, chunk)
    const keys = known.keysOf.get(chunk.documentId)
    if (keys) keys.add(key)
    else known.keysOf.set(chunk.documentId, new Set([key]))
    this.#characters += sizeOf(chunk)
  }

  #drop(known: Known, key: number): void {
    const chunk = known.chunks.get(key)!
    known.chunks.delete(key)
    const keys = known.keysOf.get(chunk.documentId)!
    keys.delete(key)
    if (keys.size === 0) known.keysOf.delete(chunk.documentId)
    this.#characters -= sizeOf(chunk)
  }

  #makeRoom(): void {
    for (const [tenantId, known] of this.#tenants) {
      for (const key of known.chunks.keys()) {
        if (this.#characters <= this.#maxCharacters) return
        this.#drop(known, key)
      }
      this.#tenants.delete(tenantId)
    }
  }
}

const sizeOf = (chunk: Chunk) => chunk.text.length + OVERHEAD_CHARACTERS
