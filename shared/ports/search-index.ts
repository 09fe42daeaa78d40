import type { Audience, Chunk } from '#shared/domain/document.ts'

export type SearchFilter = {
  readonly tenantId: string
  /** Passages for these audiences only. */
  readonly audiences: readonly Audience[]
  readonly product?: string
  readonly language?: string
}
export type ScoredChunk = { readonly chunk: Chunk; readonly score: number }

/** What both legs of the search have in common. One document's chunks change together: readers see the old or the new. */
interface ChunkIndex<Item> {
  /** Replaces everything this index holds of the document by `items` (of one version); atomic for readers, safe to repeat. */
  replaceDocument(tenantId: string, documentId: string, items: readonly Item[], signal: AbortSignal): Promise<void>
  deleteDocument(tenantId: string, documentId: string, signal: AbortSignal): Promise<void>
  deleteTenant(tenantId: string, signal: AbortSignal): Promise<void>
  count(tenantId: string, signal: AbortSignal): Promise<number>
  health(signal: AbortSignal): Promise<{ readonly ok: boolean; readonly detail: string }>
}

/** Meaning: nearest vectors by cosine similarity. */
export interface DenseIndex extends ChunkIndex<{ readonly chunk: Chunk; readonly vector: Float32Array }> {
  search(vector: Float32Array, filter: SearchFilter, limit: number, signal: AbortSignal): Promise<ScoredChunk[]>
}

/** Words: BM25 over title, section and text. */
export interface SparseIndex extends ChunkIndex<Chunk> {
  search(query: string, filter: SearchFilter, limit: number, signal: AbortSignal): Promise<ScoredChunk[]>
}
