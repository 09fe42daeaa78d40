import { CHARACTER_SHARE, WORD_SHARE } from './guard-features.ts'
import type { Grams } from './guard-grams.ts'
import type { GuardModel } from './guard-weights.ts'

const PASSAGE_TOKENS = 80
const STRIDE_TOKENS = 20

/**
 * The raw score of the worst stretch of 80 words and marks in a long text, or -Infinity for a short one. An attack in the midst of
 * a long letter hardly moves the score of the whole. Sums along the text make it linear, at the price that a repeated gram counts
 * every time instead of by its logarithm.
 */
export function worstPassage(grams: Grams, model: GuardModel): number {
  const tokens = grams.wordEnds.length
  if (tokens <= PASSAGE_TOKENS * 1.25) return Number.NEGATIVE_INFINITY
  const sums = runningSums(grams, model)
  let worst = Number.NEGATIVE_INFINITY
  for (let from = 0; from < tokens - PASSAGE_TOKENS / 2; from += STRIDE_TOKENS) {
    const to = Math.min(tokens, from + PASSAGE_TOKENS)
    const block = (weight: Float64Array, count: Float64Array) =>
      (weight[to]! - weight[from]!) / Math.sqrt(count[to]! - count[from]! || 1)
    const sum = WORD_SHARE * block(sums.words, sums.wordGrams) + CHARACTER_SHARE * block(sums.characters, sums.characterGrams)
    worst = Math.max(worst, sum * model.scale + model.bias)
  }
  return worst
}

function runningSums({ words, wordEnds, characters, characterEnds }: Grams, { weights, bits }: GuardModel) {
  const mask = 2 ** bits - 1
  const sumsOf = (ids: Int32Array, ends: Int32Array) => {
    const sums = new Float64Array(ends.length + 1)
    const counts = new Float64Array(ends.length + 1)
    let gram = 0
    for (let at = 0; at < ends.length; at++) {
      let sum = 0
      for (; gram < ends[at]!; gram++) sum += weights[ids[gram]! & mask]!
      sums[at + 1] = sums[at]! + sum
      counts[at + 1] = ends[at]!
    }
    return [sums, counts] as const
  }
  const [wordSums, wordGrams] = sumsOf(words, wordEnds)
  const [characterSums, characterGrams] = sumsOf(characters, characterEnds)
  return { words: wordSums, wordGrams, characters: characterSums, characterGrams }
}
