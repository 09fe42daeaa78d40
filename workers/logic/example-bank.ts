import { LRUCache } from 'lru-cache'
import type { AnswerExample } from '#shared/domain/tenant-answer-examples.ts'
import type { ExampleBank } from '#shared/ports/example-bank.ts'
import type { StepContext } from '#workers/step.ts'
import { readGuarded } from './cache-guards.ts'
import { similarityOf } from './cache-similarity.ts'

const MAX_LEARNED = 200
const MAX_COMPARED = 300
/** Less alike, an example teaches form only, and the prompt shows that already. */
const MIN_SIMILARITY = 0.1
/** Where a tenant has no refusal of its own; without one, examples would teach to answer always. */
const REFUSAL: AnswerExample = {
  question: 'Will there be a discount next year?',
  passages: ['Prices are listed in the shop.'],
}
const CITED = /\s?\[(\d{1,3})\]/g

/**
 * The tenant's examples for this question, behind the fence: those most alike, always with one refusal, in an order that does not
 * depend on the question. Empty where there is none, and where the bank does not answer: a draft does not wait for its manners.
 */
export async function examplesFor(question: string, fence: string, bank: ExampleBank, context: StepContext): Promise<string> {
  const { atMost, learn, bank: configured } = context.tenant.config.answerExamples
  if (atMost < 2) return ''
  const learned = learn
    ? await bank.list(context.tenant.id, MAX_LEARNED).catch((error) => {
        context.log.warn({ err: error }, 'the bank of examples did not answer')
        return []
      })
    : []
  const chosen = chooseExamples(question, [...configured, ...learned].slice(0, MAX_COMPARED), atMost)
  if (chosen.length === 0) return ''
  return `Replies that this team approved for other questions, for tone and form; what they state counts for nothing here:
<examples ${fence}>
${chosen.map(shown).join('\n\n')}
</examples ${fence}>

`
}

export function chooseExamples(question: string, bank: readonly AnswerExample[], atMost: number): AnswerExample[] {
  const asked = readings(question)
  const ranked = bank
    .map((example) => ({ example, similarity: similarityOf(asked, readings(example.question)) }))
    .sort((a, b) => b.similarity - a.similarity || (a.example.question < b.example.question ? -1 : 1))
  const answers = ranked.filter(({ example, similarity }) => example.answer !== undefined && similarity >= MIN_SIMILARITY)
  if (answers.length === 0) return []
  const refusal = ranked.find(({ example }) => example.answer === undefined)?.example ?? REFUSAL
  const best = answers.slice(0, atMost - 1).map(({ example }) => example)
  return [...best.sort((a, b) => (a.question < b.question ? -1 : 1)), refusal]
}

/** Examples come again and again; a reading is a function of its text. */
const known = new LRUCache<string, ReturnType<typeof readGuarded>>({ max: 1_000 })
function readings(text: string) {
  const reading = known.get(text) ?? readGuarded(text)
  known.set(text, reading)
  return reading
}

function shown({ question, answer, passages }: AnswerExample): string {
  const sentences = (answer ?? '')
    .split(/(?<=\[\d{1,3}\])\s|\n/)
    .map((sentence) => ({
      text: sentence.replace(CITED, '').trim(),
      citations: [...sentence.matchAll(CITED)].map(([, n]) => Number(n)),
    }))
    .filter(({ text }) => text !== '')
  const reply = { answerable: answer !== undefined, sentences, followUps: [] }
  const sources = passages.map((text, at) => `${at + 1}: ${JSON.stringify(text)}`).join(' ')
  return `${sources === '' ? '' : `Passages: ${sources}\n`}Question: ${JSON.stringify(question)}\nReply: ${JSON.stringify(reply)}`
}
