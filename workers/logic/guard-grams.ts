import { DENSE_SCRIPT } from './guard-concepts.ts'

/*
 * Word 1–3-grams and word-bounded character 3–5-grams as hashes. They are most of the guard's work: written into flat arrays once a text,
 * for its row and for its passages alike, without a string, a closure or a map entry a gram.
 */

/** The hashes of a text's grams in their order; `…Ends[at]` is where those of the token `at` end. Behind the last token's words stands one for the end. */
export type Grams = {
  readonly words: Int32Array
  readonly wordEnds: Int32Array
  readonly characters: Int32Array
  readonly characterEnds: Int32Array
}
/** The distinct ones, in the order in which they came first. */
export type CountedGrams = { readonly ids: Int32Array; readonly counts: Int32Array; readonly size: number }

const SHORTEST_GRAM = 3
const LONGEST_GRAM = 5
const CHARACTER_SEED = 4
const SPACE = 32
const hashStart = 0x811c9dc5
/** FNV-1a over UTF-16 units … */
const step = (hash: number, unit: number) => Math.imul(hash ^ unit, 0x01000193)
/** … finished as in Murmur3, so that all low bits depend on all of the text. */
function finish(state: number): number {
  let hash = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
function hashOn(state: number, text: string): number {
  let hash = state
  for (let at = 0; at < text.length; at++) hash = step(hash, text.charCodeAt(at))
  return hash
}
/** @param seed keeps equal texts of different kinds apart */
export const hashOf = (text: string, seed: number): number => finish(hashOn(hashStart ^ seed, text))

export function gramsOf(tokens: readonly string[]): Grams {
  let units = 0
  for (const token of tokens) units += token.length + 2
  const words = new Int32Array(3 * tokens.length + 1)
  const wordEnds = new Int32Array(tokens.length)
  const characters = new Int32Array(LONGEST_GRAM * units)
  const characterEnds = new Int32Array(tokens.length)
  let [word, character] = [0, 0]
  for (let at = 0; at < tokens.length; at++) {
    word = writeWordGrams(tokens, at, words, word)
    wordEnds[at] = word
    character = writeCharacterGrams(tokens[at]!, characters, character)
    characterEnds[at] = character
  }
  if (tokens.length > 0) words[word++] = hashOf(`${tokens.at(-1)} $`, 2)
  return { words: words.subarray(0, word), wordEnds, characters: characters.subarray(0, character), characterEnds }
}

/** The grams of one, two and three words that end with this one. */
function writeWordGrams(tokens: readonly string[], at: number, into: Int32Array, from: number): number {
  const word = tokens[at]!
  const before = tokens[at - 1] ?? '^'
  let next = from
  into[next++] = hashOf(word, 1)
  into[next++] = finish(hashOn(step(hashOn(hashStart ^ 2, before), SPACE), word))
  if (at > 0) {
    const two = hashOn(step(hashOn(hashStart ^ 3, tokens[at - 2] ?? '^'), SPACE), before)
    into[next++] = finish(hashOn(step(two, SPACE), word))
  }
  return next
}

function writeCharacterGrams(token: string, into: Int32Array, from: number): number {
  const shortest = DENSE_SCRIPT.test(token) ? 1 : SHORTEST_GRAM
  const size = token.length + 2
  let next = from
  // Each longer gram goes on from the hash of the shorter one, so that no gram has to be cut out.
  for (let start = 0; start + shortest <= size; start++) {
    let hash = hashStart ^ CHARACTER_SEED
    const end = Math.min(size, start + LONGEST_GRAM)
    for (let at = start; at < end; at++) {
      hash = step(hash, at === 0 || at === size - 1 ? SPACE : token.charCodeAt(at - 1))
      if (at - start + 1 >= shortest) into[next++] = finish(hash)
    }
  }
  return next
}

/** How often each gram stands there. Open addressing: a place holds the number of its gram, plus one. */
export function countGrams(grams: Int32Array): CountedGrams {
  const last = 2 ** Math.ceil(Math.log2(2 * grams.length + 2)) - 1
  const places = new Int32Array(last + 1)
  const ids = new Int32Array(grams.length)
  const counts = new Int32Array(grams.length)
  let size = 0
  for (let at = 0; at < grams.length; at++) {
    const id = grams[at]!
    let place = id & last
    while (places[place] !== 0 && ids[places[place]! - 1] !== id) place = (place + 1) & last
    if (places[place] === 0) {
      ids[size] = id
      places[place] = ++size
    }
    counts[places[place]! - 1]!++
  }
  return { ids, counts, size }
}
