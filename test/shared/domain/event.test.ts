import { expect, test } from 'vitest'
import { compareEventIds, StreamedEvent } from '#shared/domain/event.ts'

test('ids are compared as numbers, first by transition, then by place', () => {
  const ids = ['10-0', '2-0', '2-10', '2-9', '0-0', '10-1000', '9007199254740990-0']
  expect(ids.sort(compareEventIds)).toEqual(['0-0', '2-0', '2-9', '2-10', '10-0', '10-1000', '9007199254740990-0'])
  expect(compareEventIds('3-4', '3-4')).toBe(0)
})

test.each(['', '1', '1-', '-1', '1-2-3', 'a-b', '1-2\n', ' 1-2', '1.5-2'])('%j is no id of an event', (id) => {
  expect(StreamedEvent.safeParse({ id, event: 'step', data: {} }).success).toBe(false)
})

test('an event has a name that clients know', () => {
  for (const event of ['step', 'token', 'answer', 'verdict', 'escalated', 'done'])
    expect(StreamedEvent.safeParse({ id: '1-0', event, data: {} }).success).toBe(true)
  expect(StreamedEvent.safeParse({ id: '1-0', event: 'error', data: {} }).success).toBe(false)
})
