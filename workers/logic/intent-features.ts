/**
 * Text -> sparse vectors for the intent classifier: word 1–2-grams and word-bounded character 2–5-grams, each block
 * weighted by sublinear TF-IDF and scaled to its share of a unit length (Salton & Buckley 1988).
 */

/** A message longer than this is read up to here only: an intent stands in its first lines, and time stays bounded. */
export const maxMessageChars = 4_000

const wordPattern = /[\p{L}\p{M}]+(?:'[\p{L}\p{M}]+)*|\p{N}+|[?!$€£₹%]|\p{Extended_Pictographic}/gu
const characterShare = 0.75
const shortestGram = 2
const longestGram = 5
/** Words beyond this length are noise or scripts without spaces; character grams of the head are enough. */
const maxWordChars = 40

export type SparseVector = {
  readonly ids: Int32Array
  readonly values: Float32Array
  /** Share of the message's word weight that training has seen, 0..1. */
  readonly coverage: number
}

/** A message as feature ids; unknown words count towards coverage only. */
type EncodedMessage = {
  readonly words: Int32Array
  readonly unigrams: number
  readonly unknown: number
  readonly chars: Int32Array
}

/** Lower-case words, numbers and telling signs. Long numbers become their length: their digits carry no intent. */
export function intentTokens(text: string): string[] {
  const head = text.slice(0, maxMessageChars).normalize('NFKC').slice(0, maxMessageChars)
  const plain = head.toLowerCase().replace(/[’‘`´]/g, "'")
  const tokens = plain.match(wordPattern) ?? []
  return tokens.map((token) => {
    if (/^\p{N}{4}/u.test(token)) return `<${Math.min(token.length, 12)} digits>`
    return squeezeRuns(token).slice(0, maxWordChars)
  })
}

/** "heyyyyy" and "heyyy" are one word: a run of one letter keeps two. */
function squeezeRuns(token: string): string {
  let out = ''
  for (let at = 0; at < token.length; at++) {
    if (at >= 2 && token[at] === token[at - 1] && token[at] === token[at - 2]) continue
    out += token[at]
  }
  return out
}

function wordGrams(tokens: readonly string[]): string[] {
  const grams = [...tokens]
  for (let at = 0; at <= tokens.length; at++) grams.push(`${tokens[at - 1] ?? '^'} ${tokens[at] ?? '$'}`)
  return grams
}

function characterGrams(tokens: readonly string[]): string[] {
  const grams: string[] = []
  for (const token of tokens) {
    const padded = `\u0001${token}\u0001`
    for (let size = shortestGram; size <= longestGram; size++) {
      for (let at = 0; at + size <= padded.length; at++) grams.push(padded.slice(at, at + size))
    }
  }
  return grams
}

/**
 * The features of one set of messages. Ids belong to the whole set; `weigh` learns document frequencies from some of its
 * rows only, so that cross-validation never sees the words of the fold it predicts.
 */
export class FeatureSpace {
  readonly size: number
  readonly #wordIds = new Map<string, number>()
  readonly #charIds = new Map<string, number>()

  constructor(texts: readonly string[], minDocuments: number) {
    const wordCounts = new Map<string, number>()
    const charCounts = new Map<string, number>()
    for (const text of texts) {
      const tokens = intentTokens(text)
      for (const gram of new Set(wordGrams(tokens))) wordCounts.set(gram, (wordCounts.get(gram) ?? 0) + 1)
      for (const gram of new Set(characterGrams(tokens))) charCounts.set(gram, (charCounts.get(gram) ?? 0) + 1)
    }
    let next = 0
    for (const [gram, count] of wordCounts) if (count >= minDocuments) this.#wordIds.set(gram, next++)
    for (const [gram, count] of charCounts) if (count >= minDocuments) this.#charIds.set(gram, next++)
    this.size = next
  }

  encode(text: string): EncodedMessage {
    const tokens = intentTokens(text)
    const words: number[] = []
    let unknown = 0
    let unigrams = 0
    for (const [at, gram] of wordGrams(tokens).entries()) {
      const id = this.#wordIds.get(gram)
      if (id !== undefined) words.push(id)
      else if (at < tokens.length) unknown++
      if (at === tokens.length - 1) unigrams = words.length
    }
    const chars: number[] = []
    for (const gram of characterGrams(tokens)) {
      const id = this.#charIds.get(gram)
      if (id !== undefined) chars.push(id)
    }
    return { words: Int32Array.from(words), unigrams, unknown, chars: Int32Array.from(chars) }
  }
}

/** Smoothed inverse document frequencies of the given rows; 0 for a feature that none of them has. */
export class FeatureWeights {
  readonly #idf: Float32Array
  readonly #unseenIdf: number

  constructor(messages: readonly EncodedMessage[], size: number) {
    const counts = new Int32Array(size)
    const lastRow = new Int32Array(size).fill(-1)
    for (const [row, message] of messages.entries()) {
      for (const ids of [message.words, message.chars]) {
        for (const id of ids) {
          if (lastRow[id] === row) continue
          lastRow[id] = row
          counts[id]!++
        }
      }
    }
    this.#idf = Float32Array.from(counts, (count) => (count > 0 ? Math.log((1 + messages.length) / (1 + count)) + 1 : 0))
    this.#unseenIdf = Math.log(1 + messages.length) + 1
  }

  vectorise(message: EncodedMessage): SparseVector {
    const ids: number[] = []
    const values: number[] = []
    this.#addBlock(message.words, Math.sqrt(1 - characterShare ** 2), ids, values)
    this.#addBlock(message.chars, characterShare, ids, values)
    return { ids: Int32Array.from(ids), values: Float32Array.from(values), coverage: this.#coverage(message) }
  }

  #addBlock(features: Int32Array, share: number, ids: number[], values: number[]): void {
    const sorted = features.toSorted()
    const start = ids.length
    let squares = 0
    for (let at = 0; at < sorted.length; ) {
      const id = sorted[at]!
      let end = at + 1
      while (sorted[end] === id) end++
      const idf = this.#idf[id]!
      if (idf > 0) {
        const value = (1 + Math.log(end - at)) * idf
        ids.push(id)
        values.push(value)
        squares += value * value
      }
      at = end
    }
    const scale = share / Math.sqrt(squares || 1)
    for (let at = start; at < values.length; at++) values[at]! *= scale
  }

  #coverage(message: EncodedMessage): number {
    let known = 0
    let total = message.unknown * this.#unseenIdf
    for (let at = 0; at < message.unigrams; at++) {
      const idf = this.#idf[message.words[at]!]!
      known += idf
      total += idf > 0 ? idf : this.#unseenIdf
    }
    return total > 0 ? known / total : 0
  }
}
