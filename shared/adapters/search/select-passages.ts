import type { Passage } from '#shared/domain/passage.ts'
import type { ScoredCandidate } from '#shared/ports/searcher.ts'

/**
 * The best passages that fit: no text twice, no stretch of a document that overlaps one already chosen, together within the
 * token budget. A passage that does not fit is passed over for a smaller one behind it; the best one is always given.
 * @param candidates best first
 * @returns numbered from 1
 */
export function selectPassages(candidates: readonly ScoredCandidate[], topK: number, maxTokens: number): Passage[] {
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
  return chosen.map(passageOf)
}

const overlap = ({ chunk: a }: ScoredCandidate, { chunk: b }: ScoredCandidate) =>
  a.documentId === b.documentId && a.start < b.end && b.start < a.end

function passageOf({ chunk, dense, sparse, fused, rerank }: ScoredCandidate, at: number): Passage {
  return {
    n: at + 1,
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
