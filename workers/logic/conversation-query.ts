export type Turn = { readonly by: 'customer' | 'agent'; readonly text: string }

/** How often each is said: searches weigh a word by about the root of its count. */
const QUESTION_TIMES = 12
const LATEST_TIMES = 3
const MAX_TURNS = 12
const MAX_TURN_CHARACTERS = 500

/**
 * A question that leans on what was said before ("and how much is it?"), for a search over words: the question many times, the
 * customer's latest turn some times, the turns before once. Repetition is the weight: it means the same to every index. Answers stay
 * out: they are long, and made the search worse (docs/retrieval.md).
 * @param turns oldest first, without the question itself
 */
export function withHistory(question: string, turns: readonly Turn[]): string {
  const asked = turns
    .filter(({ by }) => by === 'customer')
    .slice(-MAX_TURNS)
    .map(({ text }) => text.slice(0, MAX_TURN_CHARACTERS))
    .reverse()
  const [latest, ...earlier] = asked
  if (latest === undefined) return question
  return [...repeated(question, QUESTION_TIMES), ...repeated(latest, LATEST_TIMES), ...earlier].join('\n')
}

const repeated = (text: string, times: number): string[] => Array.from({ length: times }, () => text)
