import { expect, test } from 'vitest'
import { withHistory } from '#workers/logic/conversation-query.ts'

const times = (text: string, part: string) => text.split('\n').filter((line) => line === part).length
const customer = (text: string) => ({ by: 'customer' as const, text })
const agent = (text: string) => ({ by: 'agent' as const, text })

test('a question without turns before it stays as it is', () => {
  expect(withHistory('How much is it?', [])).toBe('How much is it?')
  expect(withHistory('How much is it?', [agent('Hello!')])).toBe('How much is it?')
})

test('the question weighs most, what was asked before less, the latest answer least, and earlier answers nothing', () => {
  const query = withHistory('How much is it?', [
    customer('Do you sell hubs?'),
    agent('We do.'),
    customer('And sensors?'),
    agent('Those too.'),
  ])
  expect(times(query, 'How much is it?')).toBeGreaterThan(5 * times(query, 'And sensors?'))
  expect(times(query, 'And sensors?')).toBe(times(query, 'Do you sell hubs?'))
  expect(times(query, 'Do you sell hubs?')).toBeGreaterThan(times(query, 'Those too.'))
  expect(times(query, 'Those too.')).toBe(1)
  expect(query).not.toContain('We do.')
})

test('of a long answer only the beginning is searched for, and no placeholder', () => {
  const query = withHistory('Is there a free trial?', [
    customer('What is the Analytics Engine?'),
    agent(`Write to [EMAIL_1] or [PERSON_2] about it. ${'x '.repeat(300)}quince`),
  ])
  expect(query).toContain('Write to')
  expect(query).not.toMatch(/EMAIL|PERSON|quince/)
})

test('an answer that is all capitals and brackets takes no longer than any other', () => {
  const answer = `x ${'[A'.repeat(200_000)}${'A_'.repeat(200_000)}`
  expect(withHistory('why', [customer('how'), agent(answer)]).length).toBeLessThan(1_000)
})

test('a long conversation is cut to its latest turns, a long turn to its beginning, and a long question is said less often', () => {
  const turns = Array.from({ length: 100 }, (_, i) => customer(`turn ${i} ${'x'.repeat(10_000)}`))
  const query = withHistory('why', turns)
  expect(query).toContain('turn 99 ')
  expect(query).toContain('turn 98 ')
  expect(query).not.toContain('turn 87 ')
  const letter = `why ${'z'.repeat(900)}`
  const long = withHistory(letter, [...turns, agent('Because of the hub.')])
  expect(times(long, letter)).toBe(4)
  for (const text of [query, long]) expect(text.length).toBeLessThan(8_000)
  expect(long).toContain('Because of the hub.')
  expect(withHistory('y'.repeat(9_000), turns)).toMatch(/^y{9000}\n/)
})
