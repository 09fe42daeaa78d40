import { expect, test } from 'vitest'
import { looksOf, runsOf, shapeOf, tokensOf } from '#workers/logic/pii-looks.ts'
import { seenText } from '#workers/logic/pii-tagger.ts'
import { mix, tokenFeatures } from '#workers/logic/pii-tagger-features.ts'

const runsIn = (text: string) => {
  const tokens = tokensOf(text)
  const runs = new Set(runsOf(tokens, looksOf(tokens)).filter((run) => run !== undefined))
  return [...runs].map(({ from, to }) => text.slice(tokens[from]!.start, tokens[to - 1]!.end))
}

test('a row of capitalised words holds the small words between, and ends with its line and its sentence', () => {
  expect(runsIn('we bank at Bank of Leeds since May')).toEqual(['Bank of Leeds', 'May'])
  expect(runsIn('ask Dr. Lee. He left Ohio\nMaine')).toEqual(['Dr. Lee', 'He', 'Ohio', 'Maine'])
  expect(runsIn('Adams-Hill and Sons, or José de la Cruz')).toEqual(['Adams-Hill and Sons', 'José de la Cruz'])
  expect(runsIn('nothing here')).toEqual([])
})

test.each([
  ['Jane', 'Xx'],
  ['Zoë', 'Xx'],
  ['NASA', 'XX'],
  ['iPhone', 'xX'],
  ['4711', 'd4'],
  ['山田', 'other'],
  ['?', '?'],
])('the shape of %s is %s', (word, shape) => {
  expect(shapeOf(word)).toBe(shape)
})

test('features are 32-bit integers, the same for the same text, and others for another word', () => {
  const featuresOf = (text: string) => Object.values(tokenFeatures(seenText(text, []), 2)).map((list) => [...list])
  expect(featuresOf('I am Jane now')).toEqual(featuresOf('I am Jane now'))
  expect(featuresOf('I am Jane now')).not.toEqual(featuresOf('I am Joan now'))
  expect(mix(1, 2)).not.toBe(mix(2, 1))
})
