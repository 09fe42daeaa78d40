import type { Candidate, Reranker } from '#shared/ports/reranker.ts'
import { coverage, type TermWeights, weighTerms } from '#shared/text/term-coverage.ts'
import { contentTerms, isIdentifier, tokenize } from '#shared/text/tokenize.ts'

/** How much each sign of relevance says, against 1 for the first stage's own opinion. */
const WEIGHTS = { fused: 1, text: 0.5, title: 0.35, section: 0.1, proximity: 0.2, identifiers: 0.4 }
const WINDOW_TERMS = 24

type Read = { readonly order: string[]; readonly body: Set<string>; readonly title: Set<string>; readonly section: Set<string> }

/** Reads query and passage side by side without a model: which words, how rare, how close together, in the title or not. */
export class LexicalReranker implements Reranker {
  readonly id = 'lexical-v1'

  async rerank(query: string, candidates: readonly Candidate[], signal: AbortSignal): Promise<number[]> {
    signal.throwIfAborted()
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
    const most = Math.max(...candidates.map(({ fused }) => fused), Number.MIN_VALUE)
    return candidates.map(({ fused }, i) => (WEIGHTS.fused * fused) / most + scoreOf(texts[i]!, weights, identifiers))
  }
}

function scoreOf(text: Read, weights: TermWeights, identifiers: readonly string[]): number {
  const named = identifiers.filter((id) => text.body.has(id) || text.title.has(id) || text.section.has(id)).length
  return (
    WEIGHTS.text * coverage(weights, text.body) +
    WEIGHTS.title * coverage(weights, text.title) +
    WEIGHTS.section * coverage(weights, text.section) +
    WEIGHTS.proximity * closest(weights, text.order) +
    (identifiers.length === 0 ? 0 : (WEIGHTS.identifiers * named) / identifiers.length)
  )
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
