import type { History, Turn } from '#shared/domain/conversation.ts'
import { countTokens } from '#shared/text/count-tokens.ts'
import { splitSentences } from '#shared/text/sentences.ts'

export type Window = {
  /** The latest turns that fit, oldest first. */
  readonly turns: readonly Turn[]
  /** Turns at hand that do not fit and that no summary covers. */
  readonly older: readonly Turn[]
  readonly summary: string
}

/** A long letter is in the conversation with its beginning; it has been answered. */
const MAX_SIDE_CHARACTERS = 2_000

/**
 * The part of a conversation that goes with its next question: as many of the latest turns as `windowTokens` hold, always whole.
 * The work is bounded by the window, not by the conversation: counting ends where the window does.
 */
export function fitWindow({ turns, summary }: History, windowTokens: number): Window {
  let left = windowTokens
  let from = turns.length
  while (from > 0) {
    left -= tokensOf(turns[from - 1]!)
    if (left < 0) break
    from--
  }
  const until = summary?.until.getTime() ?? Number.NEGATIVE_INFINITY
  return {
    turns: turns.slice(from).map(shortened),
    older: turns.slice(0, from).filter(({ at }) => at.getTime() > until),
    summary: summary?.text ?? '',
  }
}

const shortened = (turn: Turn): Turn => ({ ...turn, asked: clipped(turn.asked), answered: clipped(turn.answered) })
const clipped = (text: string) => text.slice(0, MAX_SIDE_CHARACTERS).replace(/[\ud800-\udbff]$/, '')
export const tokensOf = ({ asked, answered }: Turn): number => countTokens(clipped(asked)) + countTokens(clipped(answered)) + 8

const MAX_LINE_CHARACTERS = 160

/**
 * A summary without a model, and honest about it: the first sentence of each older question, the latest first until the budget is
 * spent, in order. It says what was asked, not what came of it.
 */
export function extractSummary(older: readonly Turn[], earlier: string, maxTokens: number): string {
  const lines: string[] = []
  let left = maxTokens - (earlier === '' ? 0 : countTokens(earlier))
  for (const turn of older.toReversed()) {
    const line = `- asked: ${firstSentence(turn.asked)}`
    left -= countTokens(line)
    if (left < 0) break
    lines.unshift(line)
  }
  return [earlier, ...lines].filter(Boolean).join('\n')
}

function firstSentence(text: string): string {
  const start = clipped(text).slice(0, 1_000)
  const sentence = splitSentences(start)[0]?.text ?? start
  const plain = sentence.replace(/\s+/g, ' ').trim()
  return plain.length > MAX_LINE_CHARACTERS ? `${plain.slice(0, MAX_LINE_CHARACTERS - 1)}…` : plain
}
