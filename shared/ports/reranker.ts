import type { Chunk } from '#shared/domain/document.ts'

/** What the first stage of the search knows about a passage. */
export type Candidate = {
  readonly chunk: Chunk
  readonly fused: number
  readonly dense?: { readonly score: number }
  /** `signals` in the order of `SIGNALS`, where the sparse leg knows its words well enough. */
  readonly sparse?: { readonly score: number; readonly signals?: readonly number[] }
}

/** Second stage: reads query and passage together, which is dearer and better than comparing them apart. */
export interface Reranker {
  readonly id: string
  /** @returns one score per candidate, in order; higher is better, comparable within this call only */
  rerank(query: string, candidates: readonly Candidate[], signal: AbortSignal): Promise<number[]>
}
