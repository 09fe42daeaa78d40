export type Turn = { readonly by: 'customer' | 'agent'; readonly text: string }

/** How often each is said: searches weigh a word by about the root of its count. */
const QUESTION_TIMES = 12
const LATEST_TIMES = 3
const MAX_TURNS = 12
const MAX_TURN_CHARACTERS = 500
const MAX_NAMES_CHARACTERS = 300
/** `[EMAIL_1]` and the like stand where personal data stood, and are nobody's name. */
const PLACEHOLDER = /\[[A-Z][A-Z_]{0,30}_\d{1,6}\]/g
const NAME = /(?<![.!?:]\s|^|\n)\b[A-Z][\p{L}\p{N}]*/gu

/**
 * A question that leans on what was said before ("and how much is it?"), for a search over words: the question many times, the
 * customer's latest turn some times, the turns before once, and the names in the latest answer once, because "it" is one of them.
 * Repetition is the weight: it means the same to every index. The rest of the answers stays out: they are long, and made the search
 * worse (docs/quality-retrieval.md).
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
  const names = namesIn(turns.findLast(({ by }) => by === 'agent')?.text ?? '')
  const lines = [...repeated(question, QUESTION_TIMES), ...repeated(latest, LATEST_TIMES), ...earlier, names]
  return lines.filter((line) => line !== '').join('\n')
}

/** Words with a capital inside a sentence, of the beginning of an answer. */
const namesIn = (answer: string): string =>
  (
    answer
      .slice(0, 10 * MAX_NAMES_CHARACTERS)
      .replace(PLACEHOLDER, ' ')
      .match(NAME) ?? []
  )
    .join(' ')
    .slice(0, MAX_NAMES_CHARACTERS)

const repeated = (text: string, times: number): string[] => Array.from({ length: times }, () => text)
