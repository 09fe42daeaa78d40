import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Embedder } from '#shared/ports/embedder.ts'
import { contentTerms, isIdentifier } from '#shared/text/tokenize.ts'

/** Of the features of a text: whole words say most, pairs add order, stretches of characters forgive typing and inflection. */
const WORD_WEIGHT = 1
const IDENTIFIER_WEIGHT = 1.5
const PAIR_WEIGHT = 0.5
const CHARACTERS_WEIGHT = 0.35
const MAX_CHARACTERS = 40_000
/**
 * Grows with every change of what comes out for a document, be it made here or in what is embedded of a chunk (`embeddingText`): an index
 * of another version is not searched but built anew. 2: title, product, address, headings and context are embedded with the text.
 * 3: words weigh by how rare they are.
 */
const VERSION = 3

/**
 * Vectors without a model: feature hashing with signs (Weinberger et al., "Feature hashing for large scale multitask
 * learning", ICML 2009) of stems, stem pairs and character 3- to 5-grams, with sublinear term frequency and inverse document frequency.
 * It compares wording, not meaning: the keyless default, honest about being one.
 */
export class HashEmbedder implements Embedder {
  readonly id: string
  readonly dimensions: number

  constructor(dimensions = 512) {
    this.dimensions = dimensions
    this.id = `hash-${dimensions}-v${VERSION}`
  }

  async embed(texts: readonly string[], _kind: 'document' | 'query', signal: AbortSignal): Promise<Float32Array[]> {
    return texts.map((text) => {
      signal.throwIfAborted()
      return this.#vector(text)
    })
  }

  #vector(text: string): Float32Array {
    const terms = contentTerms(text.slice(0, MAX_CHARACTERS))
    const counts = new Map<string, number>()
    for (let i = 0; i < terms.length; i++) {
      count(counts, terms[i]!)
      if (i > 0) count(counts, `${terms[i - 1]} ${terms[i]}`)
    }
    const sums = new Float64Array(this.dimensions)
    for (const [feature, times] of counts) {
      const weight = weightOf(feature) * (1 + Math.log(times))
      this.#add(sums, hash(feature, 0, feature.length, WORD_SEED), weight)
      if (!feature.includes(' ')) this.#addCharacters(sums, `<${feature}>`, weight * CHARACTERS_WEIGHT)
    }
    return unit(sums)
  }

  #addCharacters(sums: Float64Array, word: string, weight: number): void {
    const grams = Math.max(1, 3 * word.length - 9)
    const share = weight / Math.sqrt(grams)
    for (let size = 3; size <= 5; size++) {
      for (let at = 0; at + size <= word.length; at++) this.#add(sums, hash(word, at, at + size, GRAM_SEED), share)
    }
  }

  #add(sums: Float64Array, hashed: number, weight: number): void {
    const slot = (hashed >>> 1) % this.dimensions
    sums[slot] = sums[slot]! + (hashed & 1 ? weight : -weight)
  }
}

const count = (counts: Map<string, number>, feature: string) => counts.set(feature, (counts.get(feature) ?? 0) + 1)

/**
 * Inverse document frequency by stem, as a share of that of a rare word; those that are not there are rare. Counted once, over help
 * articles and pages of other kinds (`cli/eval/count-words.ts`), because a vector must not depend on what else is in an index.
 */
const RARITY: ReadonlyMap<string, number> = new Map(
  readFileSync(join(import.meta.dirname, 'word-rarity.txt'), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [share, ...stems] = line.split(' ')
      return stems.map((stem) => [stem, Number(share)] as const)
    }),
)
const rarityOf = (stem: string) => RARITY.get(stem) ?? 1

/** The root of the rarity, because a word that both sides say is weighed on both. */
function weightOf(feature: string): number {
  const gap = feature.indexOf(' ')
  if (gap >= 0) return PAIR_WEIGHT * Math.sqrt((rarityOf(feature.slice(0, gap)) + rarityOf(feature.slice(gap + 1))) / 2)
  return Math.sqrt(rarityOf(feature)) * (isIdentifier(feature) ? IDENTIFIER_WEIGHT : WORD_WEIGHT)
}

const WORD_SEED = 0x811c9dc5
const GRAM_SEED = 0x9747b28c

/** FNV-1a over UTF-16 units with a final mix (as in MurmurHash3), because the low bits choose slot and sign. */
function hash(text: string, start: number, end: number, seed: number): number {
  let value = seed
  for (let i = start; i < end; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  value ^= value >>> 16
  value = Math.imul(value, 0x85ebca6b)
  value ^= value >>> 13
  value = Math.imul(value, 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

/** Of no words at all comes the zero vector, which is similar to nothing. */
function unit(sums: Float64Array): Float32Array {
  let square = 0
  for (const value of sums) square += value * value
  const scale = square > 0 ? 1 / Math.sqrt(square) : 0
  return Float32Array.from(sums, (value) => value * scale)
}
