import { CHARACTER_SHARE, eachCharacterGram, eachWordGram, WORD_SHARE } from './guard-features.ts'
import type { GuardModel } from './guard-weights.ts'

const PASSAGE_TOKENS = 80
const STRIDE_TOKENS = 20

/**
 * The raw score of the worst stretch of 80 words and marks in a long text, or -Infinity for a short one. An attack in the midst of
 * a long letter hardly moves the score of the whole. Sums along the text make it linear, at the price that a repeated gram counts
 * every time instead of by its logarithm.
 */
export function worstPassage(tokens: readonly string[], model: GuardModel): number {
  if (tokens.length <= PASSAGE_TOKENS * 1.25) return Number.NEGATIVE_INFINITY
  const sums = runningSums(tokens, model)
  let worst = Number.NEGATIVE_INFINITY
  for (let from = 0; from < tokens.length - PASSAGE_TOKENS / 2; from += STRIDE_TOKENS) {
    const to = Math.min(tokens.length, from + PASSAGE_TOKENS)
    const block = (weight: Float64Array, count: Float64Array) =>
      (weight[to]! - weight[from]!) / Math.sqrt(count[to]! - count[from]! || 1)
    const sum = WORD_SHARE * block(sums.words, sums.wordGrams) + CHARACTER_SHARE * block(sums.characters, sums.characterGrams)
    worst = Math.max(worst, sum * model.scale + model.bias)
  }
  return worst
}

function runningSums(tokens: readonly string[], { weights, bits }: GuardModel) {
  const mask = 2 ** bits - 1
  const size = tokens.length + 1
  const words = new Float64Array(size)
  const wordGrams = new Float64Array(size)
  const characters = new Float64Array(size)
  const characterGrams = new Float64Array(size)
  for (let at = 0; at < tokens.length; at++) {
    let sum = 0
    let count = 0
    const visit = (id: number) => {
      sum += weights[id & mask]!
      count++
    }
    eachWordGram(tokens, at, visit)
    words[at + 1] = words[at]! + sum
    wordGrams[at + 1] = wordGrams[at]! + count
    sum = 0
    count = 0
    eachCharacterGram(tokens[at]!, visit)
    characters[at + 1] = characters[at]! + sum
    characterGrams[at + 1] = characterGrams[at]! + count
  }
  return { words, wordGrams, characters, characterGrams }
}
