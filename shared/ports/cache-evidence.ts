import type { CachedSource } from '#shared/domain/cache.ts'

/** Whether the cached answer of one question was, or would have been, right for another one. */
export type CacheObservation = {
  readonly id: string
  readonly tenantId: string
  /** Key of the cached question. */
  readonly questionKey: string
  readonly ticketId: string
  /** Names the similarity that was measured: figures of two never mix. */
  readonly similarityId: string
  readonly similarity: number
  readonly correct: boolean
  readonly origin: 'answer' | 'feedback'
  readonly createdAt: Date
}

/** What a cache of answers must know from the database, because losing or guessing it would mean wrong answers. */
export interface CacheEvidence {
  /** Those of the documents that exist, in their present version; `settled` when that version is indexed. */
  sources(tenantId: string, documentIds: readonly string[]): Promise<readonly (CachedSource & { readonly settled: boolean })[]>
  /** The same id again changes nothing. */
  observe(observation: CacheObservation): Promise<void>
  /** The latest first. */
  observations(
    tenantId: string,
    similarityId: string,
    limit: number,
  ): Promise<readonly Pick<CacheObservation, 'questionKey' | 'similarity' | 'correct'>[]>
}
