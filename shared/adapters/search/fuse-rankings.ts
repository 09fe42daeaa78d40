import type { ScoredChunk } from '#shared/ports/search-index.ts'
import type { ScoredCandidate } from '#shared/ports/searcher.ts'

/** Damps the lead of the very first ranks; the value of the paper below. */
const RRF_K = 60

export type Ranking = { readonly hits: readonly ScoredChunk[]; readonly weight: number }

/**
 * Weighted reciprocal rank fusion (Cormack, Clarke & Büttcher, SIGIR 2009): only ranks count, because cosines and BM25 scores
 * have no common scale. Of a document caught between two versions only one is kept, the dense leg's, which is written first.
 * @returns best first; equal scores by chunk id, so that repeats agree
 */
export function fuseRankings(dense: Ranking, sparse: Ranking): ScoredCandidate[] {
  const versions = new Map<string, string>()
  for (const { chunk } of [...dense.hits, ...sparse.hits]) {
    if (!versions.has(chunk.documentId)) versions.set(chunk.documentId, chunk.version)
  }
  const fused = new Map<string, ScoredCandidate>()
  for (const [leg, { hits, weight }] of [['dense', dense] as const, ['sparse', sparse] as const]) {
    hits.forEach(({ chunk, score, signals }, at) => {
      if (versions.get(chunk.documentId) !== chunk.version) return
      const before = fused.get(chunk.id) ?? { chunk, fused: 0 }
      fused.set(chunk.id, {
        ...before,
        [leg]: { rank: at + 1, score, ...(signals ? { signals } : {}) },
        fused: before.fused + weight / (RRF_K + at + 1),
      })
    })
  }
  return [...fused.values()].sort((a, b) => b.fused - a.fused || (a.chunk.id < b.chunk.id ? -1 : 1))
}
