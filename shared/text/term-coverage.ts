import { contentTerms, isIdentifier, tokenize } from './tokenize.ts'

/** The weight of each content term of a query: its rarity among the texts that the search brought up. */
export type TermWeights = ReadonlyMap<string, number>

/**
 * Inverse document frequency within the candidates, as in BM25. Identifiers count double.
 */
export function weighTerms(query: string, texts: readonly ReadonlySet<string>[]): TermWeights {
  const weights = new Map<string, number>()
  const identifiers = new Set(tokenize(query).filter(isIdentifier))
  for (const term of new Set(contentTerms(query))) {
    let documents = 0
    for (const text of texts) if (text.has(term)) documents++
    const rarity = Math.log(1 + (texts.length - documents + 0.5) / (documents + 0.5))
    weights.set(term, identifiers.has(term) ? 2 * rarity : rarity)
  }
  return weights
}

/** @returns 0..1, the share of the query's weight that these terms hold; 0 for a query without content */
export function coverage(weights: TermWeights, terms: ReadonlySet<string>): number {
  let held = 0
  let total = 0
  for (const [term, weight] of weights) {
    total += weight
    if (terms.has(term)) held += weight
  }
  return total === 0 ? 0 : held / total
}
