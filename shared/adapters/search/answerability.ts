import type { Passage } from '#shared/domain/passage.ts'
import { SIGNALS } from '#shared/ports/search-index.ts'
import type { ScoredCandidate } from '#shared/ports/searcher.ts'
import { evidenceFor } from '#shared/text/evidence.ts'
import { contentTerms } from '#shared/text/tokenize.ts'
import { ANSWERABLE } from './match-weights.ts'

/** Word shares as they come from indexes without signals: this share says as much as `CALIBRATED` does on the calibrated scale. */
const WORD_SHARE = 0.15
const CALIBRATED = 0.06
const MAX_LEAD = 3

/**
 * How likely the best passage answers, 0..1: a logistic model over the signs of the best candidate and its lead, learned by
 * `cli/eval/retrieval-train.ts` on questions with and without an answer in the knowledge. Indexes without signals give the share of
 * the question's words that one passage holds, stretched to the same threshold.
 */
export function evidenceOf(query: string, candidates: readonly ScoredCandidate[], passages: readonly Passage[]): number {
  if (passages.length === 0) return 0
  const features = answerabilityFeatures(candidates)
  if (features === undefined) return byWordShare(query, passages)
  let sum = ANSWERABLE[0]!
  features.forEach((value, i) => {
    sum += ANSWERABLE[i + 1]! * value
  })
  return 1 / (1 + Math.exp(-sum))
}

/**
 * @param candidates as the reranker left them, best first
 * @returns the columns of `answerabilityRow`; undefined where there are no signals
 */
export function answerabilityFeatures(candidates: readonly ScoredCandidate[]): number[] | undefined {
  const best = candidates[0]
  const signals = best?.sparse?.signals
  if (best?.rerank === undefined || signals === undefined) return undefined
  const next = candidates.find(({ chunk, rerank }) => rerank !== undefined && chunk.documentId !== best.chunk.documentId)
  return answerabilityRow([...signals, best.dense?.score ?? 0], best.rerank, next?.rerank)
}

/**
 * Shares and ratios, and no sums of BM25 as they are: those grow with the knowledge, so a scale learned on them would not hold in
 * another. The lead is one of log odds, because that is what the weights of the reranker were fitted to.
 * @param row signals and cosine of the best passage
 * @param next the score of the next document's best, if there is one
 */
export function answerabilityRow(row: readonly number[], score: number, next: number | undefined): number[] {
  const of = (name: (typeof SIGNALS)[number]) => row[SIGNALS.indexOf(name)]!
  // The square root of the query's weight: what sums were divided by.
  const root = of('documentCoverage') > 0.01 ? of('documentCovered') / of('documentCoverage') : Math.max(1, of('covered'))
  return [
    next === undefined ? MAX_LEAD : Math.min(MAX_LEAD, score - next),
    row.at(-1)!,
    of('coverage'),
    of('documentCoverage'),
    of('nearestShare'),
    of('titleShare'),
    of('bestShare'),
    of('distinctive'),
    of('rareThree'),
    of('document') / root,
    of('passage') / root,
    of('section') / root,
    // About how many words of one document's rarity the question has.
    Math.log(0.1 + root ** 2 / of('rarity')),
    score / Math.sqrt(of('rarity')),
  ]
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
