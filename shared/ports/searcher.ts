import type { Chunk } from '#shared/domain/document.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { EmbeddingFor } from './embedder.ts'
import type { SearchFilter } from './search-index.ts'

export type SearchRequest = {
  readonly query: string
  /** What a reranker that reads is asked, where `query` says things several times to weigh them. */
  readonly question?: string
  readonly filter: SearchFilter
  /** Groups of words that mean the same to this tenant: what of them the query does not say is searched for too, by its words. */
  readonly synonyms?: readonly (readonly string[])[]
  /** What an answer might look like, written by a model; its meaning is searched for together with the query's (HyDE). */
  readonly hypothetical?: string | undefined
  /** This many chunks on either side of each passage, of the same section, as far as the token budget goes (default 0). */
  readonly neighbours?: number
  /** Who pays for embedding the query, where that costs money. */
  readonly owner?: EmbeddingFor
  /** At most this many passages (default 5); neighbours come on top. */
  readonly topK?: number
  /** The passages together hold at most this many tokens (default 3,000). */
  readonly maxTokens?: number
  /** How many chunks each leg brings (default 50). */
  readonly perLeg?: number
  /** Also return every candidate with all its scores. */
  readonly explain?: boolean
}

export type Leg = 'dense' | 'sparse'

/** Every score a chunk got on its way; ranks count from 1. */
export type ScoredCandidate = {
  readonly chunk: Chunk
  readonly dense?: { readonly rank: number; readonly score: number }
  readonly sparse?: { readonly rank: number; readonly score: number; readonly signals?: readonly number[] }
  readonly fused: number
  /** Absent when it was not among those that the reranker read. */
  readonly rerank?: number
}

export type SearchResult = {
  /** Best first, numbered from 1, never two versions of one document; behind them what stands beside them (`neighbourOf`). */
  readonly passages: Passage[]
  /**
   * 0..1: how likely it is that the best passage answers, calibrated where the sparse leg gives signals (docs/retrieval.md); else from
   * how much of the query's content words the best passage holds, brought to the same scale.
   */
  readonly evidence: number
  /** Legs that did not answer in time; the other one served alone. */
  readonly failedLegs: Leg[]
  /** Best first, only with `explain`. */
  readonly candidates?: ScoredCandidate[]
  /** What was searched for beside the query itself, only with `explain`. */
  readonly expansion?: { readonly synonyms: string[]; readonly hypothetical?: string }
  /** What `evidence` was calculated from, only with `explain`: columns of `answerabilityRow`. */
  readonly evidenceFrom?: readonly number[]
}

/** The whole search: both legs, fusion, reranking, de-duplication, the token budget. */
export interface Searcher {
  /** @throws a retryable `StepFailure` when neither leg answered */
  search(request: SearchRequest, signal: AbortSignal): Promise<SearchResult>
}
