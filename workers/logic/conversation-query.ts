export type Turn = { readonly by: 'customer' | 'agent'; readonly text: string }

/** How often the question itself is said against once for an earlier turn: searches weigh a word by the root of its count. */
const QUESTION_TIMES = 4
const MAX_TURNS = 6
const MAX_TURN_CHARACTERS = 1_000

/**
 * A question that leans on what was said before ("and how much is it?"), for a search over words: the question several times, then
 * the latest turns. Repetition is the weight: it means the same to every index.
 * @param turns oldest first, without the question itself
 */
export function withHistory(question: string, turns: readonly Turn[]): string {
  if (turns.length === 0) return question
  const recent = turns.slice(-MAX_TURNS).reverse()
  const earlier = recent.map(({ text }) => text.slice(0, MAX_TURN_CHARACTERS))
  return [...Array.from({ length: QUESTION_TIMES }, () => question), ...earlier].join('\n')
}
