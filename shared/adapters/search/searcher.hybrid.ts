import { retryable } from '#shared/domain/failure.ts'
import type { Embedder } from '#shared/ports/embedder.ts'
import type { Reranker } from '#shared/ports/reranker.ts'
import type { DenseIndex, ScoredChunk, SparseIndex } from '#shared/ports/search-index.ts'
import type { Leg, ScoredCandidate, Searcher, SearchRequest, SearchResult } from '#shared/ports/searcher.ts'
import { synonymsIn } from '#shared/text/expand-query.ts'
import { isIdentifier, tokenize } from '#shared/text/tokenize.ts'
import { answerabilityFeatures, evidenceOf } from './answerability.ts'
import { acceptor } from './chunk-filter.ts'
import { fuseRankings } from './fuse-rankings.ts'
import { neighboursOf } from './neighbours.ts'
import { passagesOf, selectCandidates } from './select-passages.ts'

const DEFAULTS = { topK: 5, maxTokens: 3_000, perLeg: 50 }
const RERANKED = 20
/** Of one document among those that the reranker reads: it should compare documents, not one document's passages. */
const RERANKED_PER_DOCUMENT = 2
const LEG_DEADLINE_MS = 2_000
const MAX_QUERY_CHARACTERS = 8_000

export type LegWeights = { readonly dense: number; readonly sparse: number; readonly sparseWithIdentifiers: number }
/**
 * Fielded words beat hashed n-grams by so much that these decide between near neighbours only (docs/retrieval.md); a code that the
 * customer typed is found by its letters or not at all.
 */
const WEIGHTS: LegWeights = { dense: 0.01, sparse: 1, sparseWithIdentifiers: 1.5 }

type Parts = {
  readonly embedder: Embedder
  readonly dense: DenseIndex
  readonly sparse: SparseIndex
  readonly reranker: Reranker
  readonly weights?: LegWeights
  readonly legDeadlineMs?: number
}

/** Both legs at once, reciprocal rank fusion, a second look by the reranker, then what fits. */
export class HybridSearcher implements Searcher {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async search(request: SearchRequest, signal: AbortSignal): Promise<SearchResult> {
    const query = request.query.slice(0, MAX_QUERY_CHARACTERS)
    const synonyms = synonymsIn(request.question ?? query, request.synonyms ?? [])
    const { dense, sparse } = await this.#bothLegs(query, [query, ...synonyms].join('\n'), request, signal)
    const failedLegs: Leg[] = []
    if (dense.failed) failedLegs.push('dense')
    if (sparse.failed) failedLegs.push('sparse')
    if (failedLegs.length === 2) {
      throw retryable('search-unavailable', `dense: ${reason(dense.failed)}; sparse: ${reason(sparse.failed)}`)
    }
    const weights = this.#parts.weights ?? WEIGHTS
    const named = tokenize(request.question ?? query).some(isIdentifier)
    const fused = fuseRankings(
      { hits: dense.hits, weight: weights.dense },
      { hits: sparse.hits, weight: named ? weights.sparseWithIdentifiers : weights.sparse },
    )
    const candidates = await this.#reranked(request.question ?? query, fused, signal)
    const passages = await this.#selected(candidates, request, signal)
    const evidence = evidenceOf(query, candidates, passages)
    if (!request.explain) return { passages, evidence, failedLegs }
    const evidenceFrom = answerabilityFeatures(candidates)
    const expansion = { synonyms, ...(request.hypothetical ? { hypothetical: request.hypothetical } : {}) }
    return { passages, evidence, failedLegs, candidates, expansion, ...(evidenceFrom ? { evidenceFrom } : {}) }
  }

  async #selected(candidates: readonly ScoredCandidate[], request: SearchRequest, signal: AbortSignal) {
    const { topK = DEFAULTS.topK, maxTokens = DEFAULTS.maxTokens, neighbours: reach = 0, filter } = request
    const { chosen, tokensLeft } = selectCandidates(candidates, topK, maxTokens)
    const beside = await neighboursOf(chosen, { reach, tokens: tokensLeft, filter }, this.#parts.sparse, signal)
    return passagesOf(chosen, beside, candidates)
  }

  /** @param words the query with what else it may be called; meaning needs no other words */
  async #bothLegs(query: string, words: string, request: SearchRequest, signal: AbortSignal) {
    const { embedder, dense, sparse, legDeadlineMs = LEG_DEADLINE_MS } = this.#parts
    const limit = request.perLeg ?? DEFAULTS.perLeg
    const denseLeg = async (leg: AbortSignal) => {
      const [vector] = await embedder.embed([query], 'query', leg, request.owner)
      const [imagined] = request.hypothetical ? await embedder.embed([request.hypothetical], 'document', leg, request.owner) : []
      return dense.search(imagined ? between(vector!, imagined) : vector!, request.filter, limit, leg)
    }
    const [denseResult, sparseResult] = await Promise.all([
      settled(denseLeg, legDeadlineMs, signal),
      settled((leg) => sparse.search(words, request.filter, limit, leg), legDeadlineMs, signal),
    ])
    signal.throwIfAborted()
    // Servers do not know the age of a chunk; there it is looked at here, and a leg may bring fewer than asked.
    const accept = acceptor(request.filter)
    const fitting = (leg: Settled): Settled => ({ ...leg, hits: leg.hits.filter(({ chunk }) => accept(chunk)) })
    return { dense: fitting(denseResult), sparse: fitting(sparseResult) }
  }

  async #reranked(query: string, fused: readonly ScoredCandidate[], signal: AbortSignal): Promise<ScoredCandidate[]> {
    const { head, rest } = parted(fused)
    if (head.length === 0) return []
    const scores = await this.#parts.reranker.rerank(query, head, signal)
    const reranked = head.map((candidate, i) => ({ ...candidate, rerank: scores[i]! }))
    reranked.sort((a, b) => b.rerank - a.rerank || b.fused - a.fused)
    return [...reranked, ...rest]
  }
}

/** Those that the reranker reads and those that it does not, each in order. */
function parted(fused: readonly ScoredCandidate[]): { head: ScoredCandidate[]; rest: ScoredCandidate[] } {
  const head: ScoredCandidate[] = []
  const rest: ScoredCandidate[] = []
  const ofDocument = new Map<string, number>()
  for (const candidate of fused) {
    const before = ofDocument.get(candidate.chunk.documentId) ?? 0
    if (head.length === RERANKED || before === RERANKED_PER_DOCUMENT) rest.push(candidate)
    else {
      head.push(candidate)
      ofDocument.set(candidate.chunk.documentId, before + 1)
    }
  }
  return { head, rest }
}

/** The mean direction of query and hypothetical passage (Gao et al., "Precise Zero-Shot Dense Retrieval without Relevance Labels", ACL 2023). */
function between(a: Float32Array, b: Float32Array): Float32Array {
  const sum = a.map((value, i) => value + b[i]!)
  const norm = Math.hypot(...sum)
  return norm === 0 ? a : sum.map((value) => value / norm)
}

type Settled = { readonly hits: ScoredChunk[]; readonly failed?: unknown }

/** One leg's answer or its failure; a leg that ignores its signal is not waited for. */
async function settled(
  leg: (signal: AbortSignal) => Promise<ScoredChunk[]>,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<Settled> {
  const both = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)])
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = () => reject(both.reason)
  both.addEventListener('abort', stop, { once: true })
  try {
    both.throwIfAborted()
    return { hits: await Promise.race([leg(both), stopped]) }
  } catch (error) {
    return { hits: [], failed: error ?? new Error('aborted') }
  } finally {
    both.removeEventListener('abort', stop)
  }
}

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error))
