import { LRUCache } from 'lru-cache'
import { foldForMatching } from '#shared/text/normalize.ts'
import { DOCUMENT_BITS, guardTokens, type HashedRow, rowOf } from './guard-features.ts'
import { rawScore } from './guard-linear.ts'
import { scoreFrom } from './guard-message.ts'
import { type GuardModel, shippedWeights } from './guard-weights.ts'

/** A sentence that instructs whoever reads it, or that has nothing to do with its document. Offsets are UTF-16 units. */
export type SuspiciousSpan = { readonly start: number; readonly end: number; readonly score: number }
export type DocumentScore = { readonly score: number; readonly spans: readonly SuspiciousSpan[] }
type Sentence = { readonly start: number; readonly end: number; readonly text: string; readonly ownLine: boolean }

const MAX_DOCUMENT_CHARACTERS = 200_000
const MAX_SENTENCE_CHARACTERS = 600
const SENTENCE_END = /[.!?…]["')\]]{0,2}[ \t]|[。！？]/g
const DOCUMENT_SUSPICIOUS_FROM = 0.5
/** Of one sentence or two nobody can say what does not belong to the others. */
const FEWEST_FOR_COHESION = 3

/** Lines, and the sentences in them: unlike quotable sentences, these never run over a line, because what is smuggled in does not. */
export function documentSentences(text: string): Sentence[] {
  const sentences: Sentence[] = []
  let lineStart = 0
  while (lineStart <= text.length) {
    const newline = text.indexOf('\n', lineStart)
    const lineEnd = newline < 0 ? text.length : newline
    const line = text.slice(lineStart, lineEnd)
    let from = 0
    const add = (to: number) => {
      const piece = line.slice(from, to)
      const start = lineStart + from + (piece.length - piece.trimStart().length)
      const trimmed = piece.trim()
      const ownLine = trimmed.length === line.trim().length
      if (trimmed !== '') sentences.push({ start, end: start + trimmed.length, text: trimmed, ownLine })
      from = to
    }
    for (const { index, 0: mark } of line.matchAll(SENTENCE_END)) add(index + mark.length)
    add(line.length)
    lineStart = lineEnd + 1
  }
  return sentences
}

/** Every sentence with its features: its words, and how it stands in its document. The trainer uses the same function. */
export function documentRows(text: string, bits = DOCUMENT_BITS): { sentence: Sentence; row: HashedRow }[] {
  const sentences = documentSentences(text.slice(0, MAX_DOCUMENT_CHARACTERS))
  const tokens = sentences.map((each) => guardTokens(foldForMatching(each.text.slice(0, MAX_SENTENCE_CHARACTERS))))
  const stems = tokens.map((each) => new Set(each.filter((token) => token.length >= 4).map((token) => token.slice(0, 6))))
  const counts = new Map<string, number>()
  for (const set of stems) for (const stem of set) counts.set(stem, (counts.get(stem) ?? 0) + 1)
  return sentences.map((sentence, at) => {
    const own = [...stems[at]!]
    const shared = own.filter((stem) => counts.get(stem)! > 1).length
    const alone = sentences.length < FEWEST_FOR_COHESION
    const signs = alone ? ['alone'] : standing(sentence, sentences[at - 1], sentences[at + 1], own.length, shared)
    return { sentence, row: rowOf(tokens[at]!, bits, signs) }
  })
}

/** Whether a sentence shares words with the rest of the document, and whether it breaks into another sentence. */
function standing(
  sentence: Sentence,
  before: Sentence | undefined,
  after: Sentence | undefined,
  words: number,
  shared: number,
): string[] {
  const cohesion = words === 0 ? 'none' : `${Math.ceil((4 * shared) / words)}/${Math.min(6, Math.ceil(words / 2))}`
  const question = /[?？]["')]?$/.test(sentence.text)
  const signs = [`cohesion:${cohesion}`, `shape:${question ? 'question' : /^[\p{Lu}]/u.test(sentence.text) ? 'upper' : 'other'}`]
  signs.push(`shape-cohesion:${question}:${words === 0 ? 0 : Math.ceil((3 * shared) / words)}`)
  if (sentence.ownLine) signs.push('own-line')
  if (!before || !after) signs.push(before ? 'last' : 'first')
  if (sentence.ownLine && after && /^[\p{Ll}\p{P}]/u.test(after.text) && before && !/[.!?:。]$/.test(before.text))
    signs.push('interrupts')
  return signs
}

/**
 * Looks for hidden instructions in a document or passage, sentence by sentence: what is addressed to a machine, and what is off the
 * document's own topic. `score` is that of the worst sentence, 0..1; `spans` are the sentences at `suspectAt` and above, in order.
 */
export function screenDocument(
  text: string,
  suspectAt = DOCUMENT_SUSPICIOUS_FROM,
  model: GuardModel = shippedWeights().document,
): DocumentScore {
  const scored = model === shippedWeights().document ? scoredOnce(text, model) : scoreSentences(text, model)
  const score = scored.reduce((worst, span) => Math.max(worst, span.score), 0)
  return { score, spans: scored.filter((span) => span.score >= suspectAt) }
}

function scoreSentences(text: string, model: GuardModel): readonly SuspiciousSpan[] {
  return documentRows(text, model.bits).map(({ sentence: { start, end }, row }) => {
    const score = Math.round(scoreFrom(rawScore(model, row), model.threshold) * 1000) / 1000
    return { start, end, score }
  })
}

/** Popular passages come with ticket after ticket: looking at one costs half a millisecond. Bounded by the characters kept. */
const MAX_KEPT_CHARACTERS = 4_000_000
const kept = new LRUCache<string, readonly SuspiciousSpan[]>({
  maxSize: MAX_KEPT_CHARACTERS,
  maxEntrySize: 20_000,
  sizeCalculation: (_spans, text) => text.length + 1,
})
function scoredOnce(text: string, model: GuardModel): readonly SuspiciousSpan[] {
  const scored = kept.get(text) ?? scoreSentences(text, model)
  kept.set(text, scored)
  return scored
}

export const REMOVED_SENTENCE = '[…]'

/** The text without its suspicious sentences; each leaves a mark, so that nobody takes the rest for complete. */
export function neutralise(text: string, spans: readonly SuspiciousSpan[]): string {
  let out = ''
  let at = 0
  for (const { start, end } of spans) {
    out += text.slice(at, start) + REMOVED_SENTENCE
    at = end
  }
  return out + text.slice(at)
}
