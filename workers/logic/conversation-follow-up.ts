import type { Turn } from '#shared/domain/conversation.ts'
import { contentTerms, tokenize } from '#shared/text/tokenize.ts'

/** Words that stand for something said before, in the languages we see most; each list is short because each word must be sure. */
const STAND_INS = new Set(
  (
    'it its they them their theirs this that these those he she him her one ones same former latter both neither either there ' +
    'es ihn ihm ihr ihre sie dies diese dieser dieses das davon damit dafür dazu ' +
    'cela ça celui celle ceux elle ils elles lui leur ' +
    'esto eso ese esa esos esas ello ellos ellas lo la ' +
    'isso isto ele ela eles elas ' +
    'dat dit die deze hij zij ' +
    'questo questa quello quella'
  ).split(' '),
)
/** How a question begins that goes on from the one before. */
const GOES_ON =
  /^(?:and|but|so|or|also|then|what about|how about|what if|why|why not|really|und|aber|oder|auch|dann|was ist mit|wie ist es mit|warum|et|mais|ou|pourquoi|y|pero|o|e|ma|mas|por qué|waarom|en)\b/i
const MAX_WORDS = 25
const SHORT_TERMS = 2
const MAX_CARRIED = 8

/**
 * Whether a question makes no sense without the one before: short and with a word that stands for another, with a beginning that
 * goes on, or with next to no words of its own. Long questions are taken to say what they are about.
 */
export function dependsOnEarlier(question: string): boolean {
  const words = tokenize(question)
  if (words.length === 0 || words.length > MAX_WORDS) return false
  const terms = contentTerms(question)
  if (GOES_ON.test(question.trim()) && words.length <= MAX_WORDS / 2) return true
  return terms.length <= SHORT_TERMS || words.some((word) => STAND_INS.has(word))
}

/**
 * The question with the topic of the turns before it, so that a search finds what it is about: words of the latest question that
 * was not itself a follow-up, and names from its answer. A rule, not an understanding: words are added, none is replaced.
 */
export function standAlone(question: string, turns: readonly Turn[]): string {
  const at = turns.findLastIndex(({ asked }) => !dependsOnEarlier(asked))
  const topic = turns.slice(Math.max(0, at)).map(({ asked }) => asked)
  if (topic.length === 0) return question
  const known = new Set(contentTerms(question))
  const carried = new Map<string, string>()
  for (const text of topic) for (const word of wordsOf(text)) take(word)
  for (const name of namesIn(turns.at(-1)!.answered)) take(name)

  function take(word: string): void {
    const [term] = contentTerms(word)
    if (term === undefined || known.has(term) || carried.has(term) || carried.size >= MAX_CARRIED) return
    carried.set(term, word)
  }
  return carried.size === 0 ? question : `${question}\n${[...carried.values()].join(' ')}`
}

const wordsOf = (text: string): string[] => text.slice(0, 600).match(/[\p{L}\p{N}][\p{L}\p{N}'’.-]{0,60}/gu) ?? []
/** Capitalised inside a sentence, or with a digit: what an answer is likely to be about. */
const namesIn = (text: string): string[] =>
  [...text.slice(0, 1_000).matchAll(/(?<=[\p{Ll},] )(\p{Lu}[\p{L}\p{N}-]{1,40}|\p{L}{0,20}\p{N}[\p{L}\p{N}-]{0,20})/gu)].map(
    ([, name]) => name!,
  )
