import { contentTerms, isIdentifier, tokenize } from './tokenize.ts'

/** One or two words in common prove little; a customer's long story need not be matched word for word. */
const LEAST_TERMS = 3
const ENOUGH_TERMS = 12
const IDENTIFIER_WEIGHT = 2

/**
 * How much of a question the best of these passages holds: its content words there, over all its content words (at least 3, at
 * most 12 of them; identifiers count double). Words only: it cannot tell whether the passage says what the question asks.
 * @param passages the content terms of each
 * @returns 0..1
 */
export function evidenceFor(question: string, passages: readonly ReadonlySet<string>[]): number {
  const identifiers = new Set(tokenize(question).filter(isIdentifier))
  const terms = [...new Set(contentTerms(question))]
  const weightOf = (some: readonly string[]) =>
    some.reduce((sum, term) => sum + (identifiers.has(term) ? IDENTIFIER_WEIGHT : 1), 0)
  const needed = Math.min(Math.max(weightOf(terms), LEAST_TERMS), ENOUGH_TERMS)
  const held = passages.map((passage) => weightOf(terms.filter((term) => passage.has(term))))
  return Math.min(1, Math.max(0, ...held) / needed)
}
