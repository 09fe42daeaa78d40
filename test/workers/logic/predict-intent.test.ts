import { expect, test } from 'vitest'
import { trainIntentClassifier } from '#workers/logic/intent-classifier.ts'
import { predictIntent } from '#workers/logic/predict-intent.ts'

const words = {
  refund: ['refund my order', 'money back please', 'return and refund'],
  battery: ['which battery', 'battery is empty', 'change the battery'],
}
const examples = Object.entries(words).flatMap(([intent, texts]) =>
  Array.from({ length: 10 }, (_, i) => texts.map((text) => ({ text: `${text} ${i}`, intent }))).flat(),
)

test('the thread predicts what the classifier itself predicts', async () => {
  const classifier = trainIntentClassifier(examples)
  for (const text of ['I want my money back', 'the battery is empty', 'sing a song', ''])
    expect(await predictIntent(examples, text)).toEqual(classifier.predict(text))
})

test('many questions at once, of several sets of examples, each get their own answer', async () => {
  const other = examples.map(({ text, intent }) => ({ text, intent: `other_${intent}` }))
  const asked = Array.from({ length: 40 }, (_, i) => predictIntent(i % 2 === 0 ? examples : other, 'refund my order'))
  const intents = (await Promise.all(asked)).map(({ intent }) => intent)
  expect(new Set(intents.filter((_, i) => i % 2 === 0))).toEqual(new Set(['refund']))
  expect(new Set(intents.filter((_, i) => i % 2 === 1))).toEqual(new Set(['other_refund']))
})

test('the event loop keeps turning while the thread trains', async () => {
  const many = Array.from({ length: 1_500 }, (_, i) => ({
    text: `example number ${i} about topic ${i % 20} and word ${(i * 7) % 311}`,
    intent: `topic_${i % 20}`,
  }))
  let turns = 0
  const timer = setInterval(() => turns++, 5)
  await predictIntent(many, 'topic 3')
  clearInterval(timer)
  expect(turns).toBeGreaterThan(10)
})

test('no examples mean no intent, not an error', async () => {
  expect(await predictIntent([], 'anything')).toMatchObject({ intent: '', outOfScope: true })
})
