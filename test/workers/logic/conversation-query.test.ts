import { expect, test } from 'vitest'
import { withHistory } from '#workers/logic/conversation-query.ts'

const times = (text: string, part: string) => text.split('\n').filter((line) => line === part).length
const customer = (text: string) => ({ by: 'customer' as const, text })

test('a question without turns before it stays as it is', () => {
  expect(withHistory('How much is it?', [])).toBe('How much is it?')
  expect(withHistory('How much is it?', [{ by: 'agent', text: 'Hello!' }])).toBe('How much is it?')
})

test('the question weighs most, the latest turn of the customer more than those before', () => {
  const query = withHistory('How much is it?', [
    customer('Do you sell hubs?'),
    { by: 'agent', text: 'We do.' },
    customer('And sensors?'),
  ])
  expect(times(query, 'How much is it?')).toBeGreaterThan(times(query, 'And sensors?'))
  expect(times(query, 'And sensors?')).toBeGreaterThan(times(query, 'Do you sell hubs?'))
  expect(times(query, 'Do you sell hubs?')).toBe(1)
  expect(query).not.toContain('We do.')
})

test('of answers only the names of the latest one are searched for, once, and no placeholder', () => {
  const query = withHistory('Is there a free trial?', [
    customer('What is the Analytics Engine?'),
    { by: 'agent', text: 'It is a Cloudant thing.' },
    customer('And who may use it?'),
    { by: 'agent', text: 'Anybody with an account of Watson Studio may use it. Write to [EMAIL_1] or [PERSON_2] about it.' },
  ])
  expect(query.split('\n').at(-1)).toBe('Watson Studio')
  expect(query).not.toContain('Cloudant')
})

test('an answer that is all capitals and brackets takes no longer than any other', () => {
  const answer = `x ${'[A'.repeat(200_000)}${'A_'.repeat(200_000)}`
  expect(withHistory('why', [customer('how'), { by: 'agent', text: answer }]).length).toBeLessThan(1_000)
})

test('a long conversation is cut to its latest turns, and a long turn to its beginning', () => {
  const turns = Array.from({ length: 100 }, (_, i) => customer(`turn ${i} ${'x'.repeat(10_000)}`))
  const query = withHistory('why', turns)
  expect(query).toContain('turn 99 ')
  expect(query).toContain('turn 88 ')
  expect(query).not.toContain('turn 87 ')
  expect(query.length).toBeLessThan(8_000)
})
