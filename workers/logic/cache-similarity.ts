import { pairFeatures } from './cache-features.ts'
import { differsIn, type GuardedReading } from './cache-guards.ts'
import { SIMILARITY_WEIGHTS } from './cache-weights.ts'
import { dot, sigmoid } from './logistic-regression.ts'

/** 0..1: how likely two questions ask for the same answer, by a linear model over what their wordings share. */
export const similarityOf = (a: GuardedReading, b: GuardedReading): number =>
  sigmoid(dot(SIMILARITY_WEIGHTS, [1, ...pairFeatures(a, b)]))

export type Comparison = { readonly similarity: number; readonly nearExact: boolean; readonly differsIn?: string }

/** Words that make a question politer, not another one. Without them, articles and punctuation, near-exact texts are equal. */
const COURTESY: ReadonlySet<string> = new Set(
  'a an the please kindly hi hello hey dear thanks thank you team greetings regards sir madam bitte danke hallo merci bonjour gracias hola'.split(
    ' ',
  ),
)

/** Two questions as the semantic cache sees them; what a guard finds different is never the same question, however alike. */
export function compareQuestions(a: GuardedReading, b: GuardedReading): Comparison {
  const difference = differsIn(a, b)
  if (difference !== undefined) return { similarity: similarityOf(a, b), nearExact: false, differsIn: difference }
  const nearExact = formOf(a) === formOf(b)
  return { similarity: nearExact ? 1 : similarityOf(a, b), nearExact }
}

/** "Thank you" goes, "you" in "how do you" stays. */
const formOf = ({ words }: GuardedReading): string =>
  words.filter((word, at) => !COURTESY.has(word) || (word === 'you' && words[at - 1] !== 'thank')).join(' ')
