import { weightsFor } from '#shared/adapters/search/match-weights.ts'
import type { Candidate, Reranker } from '#shared/ports/reranker.ts'
import { coverage, type TermWeights, weighTerms } from '#shared/text/term-coverage.ts'
import { contentTerms, isIdentifier, tokenize } from '#shared/text/tokenize.ts'

/** How much each sign of relevance says, against 1 for the best BM25 score; every sign is 0..1. Set on msft_support_kb. */
const WEIGHTS: Signs = { sparse: 1, dense: 0.1, text: 0, title: 0.6, section: 0.4, proximity: 0.2, identifiers: 0.1 }
const WINDOW_TERMS = 24

type Read = { readonly order: string[]; readonly body: Set<string>; readonly title: Set<string>; readonly section: Set<string> }

/**
 * Weighs how query and passage meet, without a model: which words, how rare, how close together, in the title or not. Where the sparse
 * leg gives signals (the embedded one does) by weights learned on them, else by reading the candidates side by side.
 */
export class LexicalReranker implements Reranker {
  readonly id = 'lexical-v2'

  async rerank(query: string, candidates: readonly Candidate[], signal: AbortSignal): Promise<number[]> {
    signal.throwIfAborted()
    if (candidates.some(({ sparse }) => sparse?.signals !== undefined)) return bySignals(candidates)
    const texts = candidates.map(({ chunk }): Read => {
      const order = contentTerms(chunk.text)
      const title = new Set(contentTerms(chunk.title))
      return { order, body: new Set(order), title, section: new Set(contentTerms(chunk.section.join(' '))) }
    })
    const weights = weighTerms(
      query,
      texts.map((text) => new Set([...text.body, ...text.title, ...text.section])),
    )
    const identifiers = [...new Set(tokenize(query).filter(isIdentifier))]
    const best = (score: (candidate: Candidate) => number | undefined) =>
      Math.max(...candidates.map((candidate) => score(candidate) ?? 0), Number.MIN_VALUE)
    const [sparse, dense] = [best((candidate) => candidate.sparse?.score), best((candidate) => candidate.dense?.score)]
    return candidates.map((candidate, i) =>
      weigh({
        sparse: (candidate.sparse?.score ?? 0) / sparse,
        dense: (candidate.dense?.score ?? 0) / dense,
        ...signsOf(texts[i]!, weights, identifiers),
      }),
    )
  }
}

/** What only the dense leg found shares no word worth counting with the query: behind all others, in the order of fusion. */
function bySignals(candidates: readonly Candidate[]): number[] {
  const scores = candidates.map(({ sparse, dense }) => {
    if (sparse?.signals === undefined) return undefined
    const weights = weightsFor(sparse.signals).rerank
    let score = weights.at(-1)! * (dense?.score ?? 0)
    sparse.signals.forEach((value, i) => {
      score += weights[i]! * value
    })
    return score
  })
  const least = Math.min(...scores.filter((score) => score !== undefined))
  return scores.map((score, i) => score ?? least - 1 + candidates[i]!.fused)
}

type Signs = { [Name in 'sparse' | 'dense' | keyof ReturnType<typeof signsOf>]: number }

const weigh = (signs: Signs): number => {
  let score = 0
  for (const name of Object.keys(WEIGHTS) as (keyof Signs)[]) score += WEIGHTS[name] * signs[name]
  return score
}

function signsOf(text: Read, weights: TermWeights, identifiers: readonly string[]) {
  const named = identifiers.filter((id) => text.body.has(id) || text.title.has(id) || text.section.has(id)).length
  return {
    text: coverage(weights, text.body),
    title: coverage(weights, text.title),
    section: coverage(weights, text.section),
    proximity: closest(weights, text.order),
    identifiers: identifiers.length === 0 ? 0 : named / identifiers.length,
  }
}

/** The best coverage within any window of the text: words that answer together stand together. */
function closest(weights: TermWeights, order: readonly string[]): number {
  const inWindow = new Map<string, number>()
  let total = 0
  for (const weight of weights.values()) total += weight
  let held = 0
  let best = 0
  for (let at = 0; at < order.length; at++) {
    held += enter(inWindow, order[at]!, 1) === 1 ? (weights.get(order[at]!) ?? 0) : 0
    const leaving = order[at - WINDOW_TERMS]
    if (leaving !== undefined && enter(inWindow, leaving, -1) === 0) held -= weights.get(leaving) ?? 0
    best = Math.max(best, held)
  }
  return total === 0 ? 0 : best / total
}

function enter(counts: Map<string, number>, term: string, by: number): number {
  const now = (counts.get(term) ?? 0) + by
  counts.set(term, now)
  return now
}
