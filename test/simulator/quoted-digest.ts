import { splitSentences } from '#shared/text/sentences.ts'
import type { PromptPassage } from './passages-in-prompt.ts'

const MAX_PAIRS = 3

/** Questions that quote the beginning of a passage, each answered with that very sentence: faithful, and no understanding at all. */
export function quotedPairs(passages: readonly PromptPassage[]) {
  return passages.slice(0, MAX_PAIRS).flatMap(({ n, text }) => {
    const sentence = firstSentence(text)
    if (sentence === undefined) return []
    const question = `What about ${sentence.split(' ').slice(0, 6).join(' ')}?`
    return [{ question, answer: [{ text: sentence, citations: [n] }] }]
  })
}

export const firstSentence = (text: string): string | undefined =>
  splitSentences(text)
    .map((unit) => unit.text.trim())
    .find((sentence) => sentence.split(' ').length > 3)
