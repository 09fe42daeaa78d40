import { expect, test } from 'vitest'
import { assessComplexity } from '#workers/logic/complexity.ts'

const PLAIN = 'How long can I return a hub?'
const of = (text: string, more: Partial<Parameters<typeof assessComplexity>[0]> = {}) =>
  assessComplexity({ text, intent: 'unknown', facts: 0, turns: 0, ...more })

test('a single plain question is next to nothing, and an empty one nothing', () => {
  expect(of(PLAIN)).toEqual({ score: expect.closeTo(7 / 400), signals: [] })
  expect(of('').score).toBeLessThan(0.01)
})
test.each([
  ['more questions', of(`${PLAIN} And a sensor? And abroad?`), '3 questions'],
  ['reasoning', of('Explain the difference: both, because it depends'), '5 words of reasoning'],
  ['technical words', of('Our webhook integration gets a certificate exception'), '4 technical words'],
  ['several facts', of(PLAIN, { facts: 4 }), '4 codes, prices or dates'],
  ['a long conversation', of(PLAIN, { turns: 6 }), '6 earlier turns'],
  ['an intent that promises work', of(PLAIN, { intent: 'technical_issue' }), 'intent technical_issue'],
])('grows with %s, and says so', (_what, { score, signals }, signal) => {
  expect(score).toBeGreaterThan(of(PLAIN).score)
  expect(signals).toContain(signal)
})
test('shrinks for an intent that a short answer serves', () => {
  expect(of(`${PLAIN} And why?`, { intent: 'password_reset' }).score).toBeLessThan(of(`${PLAIN} And why?`).score)
})
test('stays between 0 and 1, whatever is said', () => {
  expect(of('word '.repeat(2_000)).score).toBe(1)
  expect(of('why? '.repeat(5_000), { facts: 1e6, turns: 1e6, intent: 'legal' }).score).toBe(1)
  expect(of('', { intent: 'greeting' }).score).toBe(0)
})
test('a hostile text is assessed in good time', () => {
  const startedAt = performance.now()
  for (const part of ['migrat', 'stack ', '?', ' if ', 'configurxxxxxxxxxxx']) of(part.repeat(200_000 / part.length))
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})
