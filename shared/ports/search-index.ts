import type { Audience, Chunk } from '#shared/domain/document.ts'

export type SearchFilter = {
  readonly tenantId: string
  /** Passages for these audiences only. */
  readonly audiences: readonly Audience[]
  readonly product?: string
  readonly language?: string
  /** ISO 8601; only passages of documents modified at or after it. A document that does not say is left out. */
  readonly modifiedFrom?: string
}
export type ScoredChunk = {
  readonly chunk: Chunk
  readonly score: number
  /** How query and passage meet, in the order of `SIGNALS`; only from an index that knows its words well enough. */
  readonly signals?: readonly number[]
}

/**
 * Signs of relevance that a reranker can weigh. Sums of BM25 are divided by the square root of the query's weight, so that
 * long queries and short ones are on one scale; coverages and shares are 0..1.
 */
export const SIGNALS = [
  'document',
  'passage',
  'titleShare',
  'pathShare',
  'bestShare',
  'title',
  'path',
  'text',
  'section',
  'titlePairs',
  'pathPairs',
  'sectionPairs',
  'textPairs',
  'coverage',
  'covered',
  'identifiers',
  'beginning',
  'beginningInTitle',
  'ending',
  'endingInTitle',
  'titleRun',
  'nearest',
  'nearestShare',
  'documentCoverage',
  'documentCovered',
  // Of the whole document, read word by word.
  'lead',
  'length',
  'beginnings',
  'names',
  'distinctive',
  'rarest',
  'rareThree',
  'documentPairs',
  // Of the whole index, not of the passage: how rare a word of one document is, and the share of documents that have a title.
  'rarity',
  'titled',
] as const

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
  /**
   * Chunks of a document by their place in it, of the version that is served; those that are not there, or not for these audiences,
   * are left out.
   */
  chunksAt(filter: SearchFilter, documentId: string, positions: readonly number[], signal: AbortSignal): Promise<Chunk[]>
}
