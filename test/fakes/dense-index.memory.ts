import type { Chunk } from '#shared/domain/document.ts'
import { terminal } from '#shared/domain/failure.ts'
import type { DenseIndex, ScoredChunk, SearchFilter } from '#shared/ports/search-index.ts'
import { MemoryChunks } from './chunks.memory.ts'

type Item = { readonly chunk: Chunk; readonly vector: Float32Array }

/** Brute force over what was given: the yardstick of every dense index. */
export class MemoryDenseIndex implements DenseIndex {
  readonly #chunks = new MemoryChunks<Item>(({ chunk }) => chunk)

  readonly #dimensions: number

  constructor(dimensions: number) {
    this.#dimensions = dimensions
  }

  async replaceDocument(tenantId: string, documentId: string, items: readonly Item[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    for (const { vector } of items) this.#check(vector)
    this.#chunks.replace(tenantId, documentId, items)
  }

  async deleteDocument(tenantId: string, documentId: string): Promise<void> {
    this.#chunks.replace(tenantId, documentId, [])
  }

  async deleteTenant(tenantId: string): Promise<void> {
    this.#chunks.drop(tenantId)
  }

  async search(vector: Float32Array, filter: SearchFilter, limit: number, signal: AbortSignal): Promise<ScoredChunk[]> {
    signal.throwIfAborted()
    this.#check(vector)
    const scored = this.#chunks.matching(filter).map((item) => ({ chunk: item.chunk, score: dot(vector, item.vector) }))
    return scored.sort((a, b) => b.score - a.score).slice(0, limit)
  }

  async count(tenantId: string): Promise<number> {
    return this.#chunks.count(tenantId)
  }

  async health(): Promise<{ ok: boolean; detail: string }> {
    return { ok: true, detail: 'in memory' }
  }

  #check(vector: Float32Array): void {
    if (vector.length !== this.#dimensions)
      throw terminal('embedder-changed', `${vector.length} dimensions instead of ${this.#dimensions}`)
  }
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
