import type { Passage } from '#shared/domain/passage.ts'
import type { ScoredCandidate } from '#shared/ports/searcher.ts'
import type { Neighbour } from './neighbours.ts'

/**
 * The best passages that fit: no text twice, no stretch of a document that overlaps one already chosen, together within the
 * token budget. A passage that does not fit is passed over for a smaller one behind it; the best one is always given.
 * @param candidates best first
 * @returns best first, and how many tokens of the budget are left
 */
export function selectCandidates(candidates: readonly ScoredCandidate[], topK: number, maxTokens: number) {
  const chosen: ScoredCandidate[] = []
  const texts = new Set<string>()
  let tokens = 0
  for (const candidate of candidates) {
    if (chosen.length === topK) break
    const { chunk } = candidate
    const text = chunk.text.replace(/\s+/g, ' ').trim()
    if (texts.has(text) || chosen.some((other) => overlap(other, candidate))) continue
    if (chosen.length > 0 && tokens + chunk.tokens > maxTokens) continue
    chosen.push(candidate)
    texts.add(text)
    tokens += chunk.tokens
  }
  return { chosen, tokensLeft: maxTokens - tokens }
}

const overlap = ({ chunk: a }: ScoredCandidate, { chunk: b }: ScoredCandidate) =>
  a.documentId === b.documentId && a.start < b.end && b.start < a.end

/**
 * Numbered from 1: the chosen ones, best first, then what stands beside them.
 * @param candidates all there are, for the scores of neighbours that were candidates themselves
 */
export function passagesOf(
  chosen: readonly ScoredCandidate[],
  neighbours: readonly Neighbour[],
  candidates: readonly ScoredCandidate[],
): Passage[] {
  const scored = new Map(candidates.map((candidate) => [candidate.chunk.id, candidate]))
  return [
    ...chosen.map((candidate, at) => passageOf(candidate, at + 1)),
    ...neighbours.map(({ chunk, of }, at) => ({
      ...passageOf(scored.get(chunk.id) ?? { chunk, fused: 0 }, chosen.length + at + 1),
      neighbourOf: chosen.indexOf(of) + 1,
    })),
  ]
}

function passageOf({ chunk, dense, sparse, fused, rerank }: ScoredCandidate, n: number): Passage {
  return {
    n,
    chunkId: chunk.id,
    documentId: chunk.documentId,
    title: chunk.title,
    ...(chunk.url === undefined ? {} : { url: chunk.url }),
    section: chunk.section,
    text: chunk.text,
    start: chunk.start,
    end: chunk.end,
    scores: {
      fused,
      ...(dense === undefined ? {} : { dense: dense.score }),
      ...(sparse === undefined ? {} : { sparse: sparse.score }),
      ...(rerank === undefined ? {} : { rerank }),
    },
  }
}
