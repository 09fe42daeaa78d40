import type { Passage } from '#shared/domain/passage.ts'
import type { ScoredCandidate } from '#shared/ports/searcher.ts'
import { evidenceFor } from '#shared/text/evidence.ts'
import { contentTerms } from '#shared/text/tokenize.ts'
import { weightsFor } from './match-weights.ts'

/** Word shares as they come from indexes without signals: this share says as much as `CALIBRATED` does on the calibrated scale. */
const WORD_SHARE = 0.15
const CALIBRATED = 0.1

/**
 * How likely the best passage answers, 0..1: a logistic model over the signals of the best candidate, its score and its lead, learned
 * by `cli/eval/retrieval-train.ts` on questions with and without an answer in the knowledge. Indexes without signals give the share of
 * the question's words that one passage holds, stretched to the same threshold.
 */
export function evidenceOf(query: string, candidates: readonly ScoredCandidate[], passages: readonly Passage[]): number {
  if (passages.length === 0) return 0
  const features = answerabilityFeatures(candidates)
  if (features === undefined) return byWordShare(query, passages)
  const weights = weightsFor(features).answerable
  let sum = weights[0]!
  features.forEach((value, i) => {
    sum += weights[i + 1]! * value
  })
  return 1 / (1 + Math.exp(-sum))
}

/**
 * @param candidates as the reranker left them, best first
 * @returns score, lead over the next document, cosine, then the signals of the best; undefined where there are no signals
 */
export function answerabilityFeatures(candidates: readonly ScoredCandidate[]): number[] | undefined {
  const best = candidates[0]
  const signals = best?.sparse?.signals
  if (best?.rerank === undefined || signals === undefined) return undefined
  const next = candidates.find(({ chunk, rerank }) => rerank !== undefined && chunk.documentId !== best.chunk.documentId)
  const lead = next?.rerank === undefined ? 1 : Math.min(1, best.rerank - next.rerank)
  return [best.rerank, lead, best.dense?.score ?? 0, ...signals]
}

function byWordShare(query: string, passages: readonly Passage[]): number {
  const share = evidenceFor(
    query,
    passages.map(({ title, section, text }) => new Set(contentTerms([title, ...section, text].join(' ')))),
  )
  return share < WORD_SHARE
    ? (share / WORD_SHARE) * CALIBRATED
    : CALIBRATED + ((share - WORD_SHARE) / (1 - WORD_SHARE)) * (1 - CALIBRATED)
}
