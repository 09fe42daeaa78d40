import { DENSE_SCRIPT } from './guard-concepts.ts'
import { type CountedGrams, countGrams, type Grams, gramsOf, hashOf } from './guard-grams.ts'

/**
 * Text -> hashed features for the guard's linear models: word 1–3-grams, word-bounded character 3–5-grams of the folded text and, for
 * messages, concepts, each block of one length (feature hashing: Weinberger et al. 2009). No dictionary has to be shipped, and unseen words cost nothing.
 */

export const MESSAGE_BITS = 20
export const DOCUMENT_BITS = 18

/** Two features may share a bucket; the same text always gives the same row. */
export type HashedRow = { readonly ids: Int32Array; readonly values: Float32Array }

const TOKEN = /[\p{L}\p{M}']+|\p{N}+|[^\s\p{L}\p{M}\p{N}']/gu
const MAX_TOKENS = 1_500
const MAX_WORD_CHARACTERS = 24
export const CHARACTER_SHARE = 0.7
export const WORD_SHARE = Math.sqrt(1 - CHARACTER_SHARE ** 2)
const EXTRA_SHARE = 0.35
const CONCEPT_SHARE = 0.5

/** Lower-case words, punctuation marks and numbers by their length; runs of one mark count as two. */
export function guardTokens(folded: string): string[] {
  const tokens: string[] = []
  for (const [token] of folded.matchAll(TOKEN)) {
    if (tokens.length >= MAX_TOKENS) break
    if (/^\p{N}/u.test(token)) tokens.push(`<${Math.min(token.length, 6)}>`)
    else if (token.length === 1 && token === tokens.at(-1) && token === tokens.at(-2)) continue
    else
      tokens.push(token.length > MAX_WORD_CHARACTERS && !DENSE_SCRIPT.test(token) ? token.slice(0, MAX_WORD_CHARACTERS) : token)
  }
  return tokens
}

/**
 * @param tokens as guardTokens gives them
 * @param bits 2^bits buckets
 * @param extra names of other signs, such as rules that hit
 * @param concepts names of concepts and of their order, one more block of unit length
 */
export function rowOf(
  tokens: readonly string[],
  bits: number,
  extra: readonly string[],
  concepts: readonly string[] = [],
  grams: Grams = gramsOf(tokens),
): HashedRow {
  const mask = 2 ** bits - 1
  const words = countGrams(grams.words)
  const characters = countGrams(grams.characters)
  const signs = countGrams(Int32Array.from(concepts, (concept) => hashOf(concept, 11)))
  const size = words.size + characters.size + signs.size
  const ids = new Int32Array(size + extra.length)
  const values = new Float32Array(size + extra.length)
  addBlock(words, WORD_SHARE, mask, ids, values, 0)
  addBlock(characters, CHARACTER_SHARE, mask, ids, values, words.size)
  addBlock(signs, CONCEPT_SHARE, mask, ids, values, words.size + characters.size)
  for (let at = 0; at < extra.length; at++) {
    ids[size + at] = hashOf(extra[at]!, 7) & mask
    values[size + at] = EXTRA_SHARE
  }
  return { ids, values }
}

function addBlock(
  { ids: grams, counts, size }: CountedGrams,
  share: number,
  mask: number,
  ids: Int32Array,
  values: Float32Array,
  from: number,
): void {
  let squares = 0
  // Nearly every gram stands once in a sentence, and a logarithm costs more than all else here.
  const dampened = (count: number) => (count === 1 ? 1 : 1 + Math.log(count))
  for (let at = 0; at < size; at++) squares += dampened(counts[at]!) ** 2
  const scale = share / Math.sqrt(squares || 1)
  for (let at = 0; at < size; at++) {
    ids[from + at] = grams[at]! & mask
    values[from + at] = dampened(counts[at]!) * scale
  }
}
