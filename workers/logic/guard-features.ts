import { DENSE_SCRIPT } from './guard-concepts.ts'

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
const SHORTEST_GRAM = 3
const LONGEST_GRAM = 5
export const CHARACTER_SHARE = 0.7
export const WORD_SHARE = Math.sqrt(1 - CHARACTER_SHARE ** 2)
const EXTRA_SHARE = 0.35
const CONCEPT_SHARE = 0.5

const CHARACTER_SEED = 4
const hashStart = 0x811c9dc5
/** FNV-1a over UTF-16 units … */
const step = (hash: number, unit: number) => Math.imul(hash ^ unit, 0x01000193)
/** … finished as in Murmur3, so that all low bits depend on all of the text. */
function finish(state: number): number {
  let hash = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
function hashOf(text: string, seed: number): number {
  let hash = hashStart ^ seed
  for (let at = 0; at < text.length; at++) hash = step(hash, text.charCodeAt(at))
  return finish(hash)
}

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
): HashedRow {
  const mask = 2 ** bits - 1
  const words = new Map<number, number>()
  countWords(tokens, words)
  const characters = new Map<number, number>()
  countCharacters(tokens, characters)
  const signs = new Map<number, number>()
  for (const concept of concepts) add(signs, hashOf(concept, 11))
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

function countWords(tokens: readonly string[], counts: Map<number, number>): void {
  for (let at = 0; at < tokens.length; at++) eachWordGram(tokens, at, (id) => add(counts, id))
  if (tokens.length > 0) add(counts, hashOf(`${tokens.at(-1)} $`, 2))
}

/** The grams of one, two and three words that end with this one. */
export function eachWordGram(tokens: readonly string[], at: number, visit: (id: number) => void): void {
  const word = tokens[at]!
  visit(hashOf(word, 1))
  const two = `${tokens[at - 1] ?? '^'} ${word}`
  visit(hashOf(two, 2))
  if (at > 0) visit(hashOf(`${tokens[at - 2] ?? '^'} ${two}`, 3))
}

function countCharacters(tokens: readonly string[], counts: Map<number, number>): void {
  for (const token of tokens) eachCharacterGram(token, (id) => add(counts, id))
}

export function eachCharacterGram(token: string, visit: (id: number) => void): void {
  const shortest = DENSE_SCRIPT.test(token) ? 1 : SHORTEST_GRAM
  const padded = ` ${token} `
  // Each longer gram goes on from the hash of the shorter one, so that no gram has to be cut out.
  for (let from = 0; from + shortest <= padded.length; from++) {
    let hash = hashStart ^ CHARACTER_SEED
    const end = Math.min(padded.length, from + LONGEST_GRAM)
    for (let at = from; at < end; at++) {
      hash = step(hash, padded.charCodeAt(at))
      if (at - from + 1 >= shortest) visit(finish(hash))
    }
  }
}

function add(counts: Map<number, number>, id: number): void {
  counts.set(id, (counts.get(id) ?? 0) + 1)
}

function addBlock(
  counts: ReadonlyMap<number, number>,
  share: number,
  mask: number,
  ids: Int32Array,
  values: Float32Array,
  from: number,
): void {
  let squares = 0
  // Nearly every gram stands once in a sentence, and a logarithm costs more than all else here.
  for (const count of counts.values()) {
    const value = count === 1 ? 1 : 1 + Math.log(count)
    squares += value * value
  }
  const scale = share / Math.sqrt(squares || 1)
  let at = from
  for (const [id, count] of counts) {
    ids[at] = id & mask
    values[at] = (count === 1 ? 1 : 1 + Math.log(count)) * scale
    at++
  }
}
