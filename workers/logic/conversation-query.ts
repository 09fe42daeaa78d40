export type Turn = { readonly by: 'customer' | 'agent'; readonly text: string }

/** How often each is said: searches weigh a word by about the root of its count. */
const QUESTION_TIMES = 40
/** A long question stands alone; it need not be said as often, nor the others be pushed out of what a search reads. */
const QUESTION_CHARACTERS = 4_000
const TURN_TIMES = 3
const MAX_TURNS = 12
const MAX_TURN_CHARACTERS = 500
const TURNS_CHARACTERS = 3_000
const ANSWER_CHARACTERS = 500
/** `[EMAIL_1]` and the like stand where personal data stood, and are nobody's words. */
const PLACEHOLDER = /\[[A-Z][A-Z_]{0,30}_\d{1,6}\]/g

/**
 * A question that leans on what was said before ("and how much is it?"), for a search over words: the question many times, the
 * beginning of the latest answer once, because "it" is in there, and what the customer asked before some times, the latest first.
 * Repetition is the weight, by the root of the count in every index. Earlier answers stay out: they made the search worse
 * (docs/quality-retrieval.md).
 * @param turns oldest first, without the question itself
 */
export function withHistory(question: string, turns: readonly Turn[]): string {
  const asked = turns
    .filter(({ by }) => by === 'customer')
    .slice(-MAX_TURNS)
    .map(({ text }) => text.slice(0, MAX_TURN_CHARACTERS))
    .reverse()
  if (asked.length === 0) return question
  const times = Math.min(QUESTION_TIMES, Math.max(1, Math.floor(QUESTION_CHARACTERS / (question.length + 1))))
  const answer = turns.findLast(({ by }) => by === 'agent')?.text ?? ''
  const said = answer.slice(0, ANSWER_CHARACTERS).replace(PLACEHOLDER, ' ').trim()
  const lines = [
    ...repeated(question, times),
    said,
    ...within(
      TURNS_CHARACTERS,
      asked.flatMap((text) => repeated(text, TURN_TIMES)),
    ),
  ]
  return lines.filter((line) => line !== '').join('\n')
}

const repeated = (text: string, times: number): string[] => Array.from({ length: times }, () => text)

function within(characters: number, lines: readonly string[]): string[] {
  const taken: string[] = []
  let left = characters
  for (const line of lines) {
    left -= line.length
    if (left >= 0) taken.push(line)
  }
  return taken
}
