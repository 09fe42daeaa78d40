import { stem } from '#shared/text/stem.ts'
import { isStopWord } from '#shared/text/stop-words.ts'
import { rarityOf } from '#shared/text/word-rarity.ts'

/** A question longer than this is told apart by details that a short comparison cannot see: it is compared exactly only. */
export const MAX_COMPARED_CHARACTERS = 1_000
const MAX_WORDS = 200

/** A text as the semantic cache compares it; read once for each, compared many times. */
export type CacheReading = {
  /** All words in order, contractions written out. */
  readonly words: readonly string[]
  /** Stems of the words that carry meaning, in order. */
  readonly terms: readonly string[]
  readonly termWeights: ReadonlyMap<string, number>
  readonly pairs: ReadonlySet<string>
  readonly grams: ReadonlyMap<string, number>
  readonly gramNorm: number
  readonly isQuestion: boolean
}

const WORD = /[\p{L}\p{N}\p{M}]+(?:['’][\p{L}\p{M}]+)*/gu
const QUESTION_START =
  /^(?:how|what|which|who|whom|whose|where|when|why|is|are|am|can|could|do|does|did|will|would|should|may|has|have)$/
/** A map: customers write words such as "constructor", which every object has. */
const IRREGULAR: ReadonlyMap<string, string> = new Map([
  ["can't", 'can not'],
  ["won't", 'will not'],
  ["shan't", 'shall not'],
  ['cannot', 'can not'],
])
const ENDINGS: readonly (readonly [string, string])[] = [
  ["n't", ' not'],
  ["'re", ' are'],
  ["'ve", ' have'],
  ["'ll", ' will'],
  ["'m", ' am'],
  ["'d", ' would'],
]
/** `what's` is `what is`; behind a noun it is a possessive, which says nothing of its own. */
const IS_AFTER = /^(?:what|how|where|when|who|why|that|there|it|he|she)'s$/

/** Lower case, contractions written out, at most 200 words. No accent is dropped: a résumé is not to resume. */
export function wordsOf(text: string): string[] {
  const plain = text.slice(0, 4 * MAX_COMPARED_CHARACTERS).toLowerCase()
  return (plain.match(WORD) ?? []).slice(0, MAX_WORDS).flatMap((word) => writtenOut(word.replaceAll('’', "'")).split(' '))
}

function writtenOut(word: string): string {
  const irregular = IRREGULAR.get(word)
  if (irregular !== undefined || !word.includes("'")) return irregular ?? word
  if (IS_AFTER.test(word)) return word.replace("'s", ' is')
  const ending = ENDINGS.find(([written]) => word.endsWith(written))
  if (ending) return word.slice(0, -ending[0].length) + ending[1]
  return word.endsWith("'s") ? word.slice(0, -2) : word.replaceAll("'", '')
}

export function readForCache(text: string): CacheReading {
  const words = wordsOf(text)
  const terms = words.filter((word) => !isStopWord(word)).map(stem)
  const grams = gramsOf(words)
  let square = 0
  for (const count of grams.values()) square += count * count
  return {
    words,
    terms,
    termWeights: new Map(terms.map((term) => [term, rarityOf(term)])),
    pairs: new Set(words.slice(1).map((word, at) => `${words[at]} ${word}`)),
    grams,
    gramNorm: Math.sqrt(square),
    isQuestion: text.includes('?') || QUESTION_START.test(words[0] ?? ''),
  }
}

/** Stretches of three and four characters inside words, so that inflections and typing errors still meet. */
function gramsOf(words: readonly string[]): Map<string, number> {
  const grams = new Map<string, number>()
  for (const word of words) {
    const padded = ` ${word.slice(0, 40)} `
    const weight = isStopWord(word) ? 0.3 : 1
    for (let size = 3; size <= 4; size++)
      for (let at = 0; at + size <= padded.length; at++) {
        const gram = padded.slice(at, at + size)
        grams.set(gram, (grams.get(gram) ?? 0) + weight)
      }
  }
  return grams
}
