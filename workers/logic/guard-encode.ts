import { foldForMatching } from '#shared/text/normalize.ts'
import { conceptSigns } from './guard-concepts.ts'
import { guardTokens, type HashedRow, rowOf } from './guard-features.ts'
import { type Grams, gramsOf } from './guard-grams.ts'
import { type LinearWeights, rawScore } from './guard-linear.ts'
import { scoreInjection } from './injection-rules.ts'

/** A message as the classifier sees it: as a whole, and each of its sentences alone. */
export type EncodedText = {
  readonly grams: Grams
  readonly row: HashedRow
  readonly sentences: readonly HashedRow[]
  readonly long: boolean
}

const MAX_CHARACTERS = 6_000
/** Stories and role plays are long and harmless; attacks of that length give themselves away many times. */
const LONG_WORDS = 50
const LONG_HANDICAP = 0.2
/** Longer letters are looked at by passages (guard-passages.ts): of many sentences one always looks bad. */
const MOST_WORDS_BY_SENTENCE = 90
const SENTENCE_HANDICAP = 0.45
const MOST_SENTENCES = 40
const LEAST_WORDS = 3
const BETWEEN = /(?<=[.!?。！？…])\s+|\n+|[[\]()<>{}]+|--+/
const WORDS = /\p{L}+/gu
const DENSE_PHRASE = /[\u3040-\u9fff\uac00-\ud7af\u0e00-\u0eff]{4}/

const countWords = (text: string) => text.match(WORDS)?.length ?? 0

/** What stands between ends of sentences, brackets and line breaks, if that is not the whole text again. */
function sentencesOf(text: string): string[] {
  const parts = text
    .split(BETWEEN)
    .map((part) => part.trim())
    .filter((part) => countWords(part) >= LEAST_WORDS || DENSE_PHRASE.test(part))
  return parts.length > 1 || (parts.length === 1 && parts[0]!.length < text.trim().length * 0.8)
    ? parts.slice(0, MOST_SENTENCES)
    : []
}

const ruleSigns = (rules: readonly string[]) => rules.map((rule) => `rule:${rule}`)

const NUMBER = /^[\p{N}#+*][\p{N}().,:/#*+-]*$/u

/**
 * Which number, which address somebody gives says nothing about what they want, and its letters look like nothing that was ever learned:
 * one word stands for all addresses, one number for all that follow each other.
 */
function withoutDetails(text: string): string {
  const words: string[] = []
  for (const word of text.split(/([ \t\n]+)/)) {
    if (/^[ \t\n]*$/.test(word)) words.push(word)
    else if (word.includes('@') && word.includes('.')) words.push('mailaddress')
    else if (NUMBER.test(word) && words.length > 1 && NUMBER.test(words.at(-2)!)) words.pop()
    else words.push(word)
  }
  return words.join('')
}

function encodePart(folded: string, bits: number, rules: readonly string[]): { grams: Grams; row: HashedRow } {
  const tokens = guardTokens(withoutDetails(folded))
  const grams = gramsOf(tokens)
  return { grams, row: rowOf(tokens, bits, ruleSigns(rules), conceptSigns(tokens), grams) }
}

/**
 * The features of one message: words, characters, concepts and the rules that hit. The trainer uses the same function.
 * @param rules those that hit the whole text
 * @param folded the text for matching, where the caller has folded it already
 */
export function encodeText(text: string, bits: number, rules: readonly string[], folded?: string): EncodedText {
  const head = text.slice(0, MAX_CHARACTERS)
  const whole = folded !== undefined && head.length === text.length ? folded : foldForMatching(head)
  const words = countWords(head)
  const sentences = words > MOST_WORDS_BY_SENTENCE ? [] : sentencesOf(head)
  return {
    ...encodePart(whole, bits, rules),
    sentences: sentences.map((sentence) => {
      const read = foldForMatching(sentence)
      return encodePart(read, bits, scoreInjection(sentence, sentence, read).rules).row
    }),
    long: words > LONG_WORDS,
  }
}

/** The raw score of the whole or of its worst sentence. A sentence alone has to look worse than a whole message. */
export function rawText(model: LinearWeights, { row, sentences, long }: EncodedText): number {
  const whole = rawScore(model, row) - (long ? LONG_HANDICAP : 0)
  return sentences.reduce((worst, sentence) => Math.max(worst, rawScore(model, sentence) - SENTENCE_HANDICAP), whole)
}
