import { expect, test } from 'vitest'
import {
  type BatchGroup,
  customIdOf,
  DEFAULT_THRESHOLDS,
  dueReason,
  pollDelayMs,
  requestIdOf,
  spillMoment,
} from '#shared/domain/batch.ts'
import { derivedId, newId } from '#shared/domain/id.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const group = (change: Partial<BatchGroup> = {}): BatchGroup => ({
  provider: 'openai',
  model: 'gpt-6-luna',
  endpoint: '/v1/chat/completions',
  requests: 1,
  bytes: 1_000,
  inputTokens: 250,
  oldestAgeMs: 1_000,
  ...change,
})

test('a group goes out when it is many, large, long or old enough, or when a window opens, and else waits', () => {
  const reason = (change: Partial<BatchGroup>, opensAt: string[] = []) =>
    dueReason(group(change), { ...DEFAULT_THRESHOLDS, opensAt }, NOW)
  expect(reason({})).toBeUndefined()
  expect(reason({ requests: 0, oldestAgeMs: 1e9 })).toBeUndefined()
  expect(reason({ requests: 10_000 })).toBe('requests')
  expect(reason({ bytes: 200_000_000 })).toBe('bytes')
  expect(reason({ inputTokens: 60_000_000 })).toBe('tokens')
  expect(reason({ oldestAgeMs: 600_000 })).toBe('age')
  expect(reason({ oldestAgeMs: 300_000 }, ['11:58'])).toBe('window')
  expect(reason({ oldestAgeMs: 60_000 }, ['11:58'])).toBeUndefined()
  expect(reason({ oldestAgeMs: 60_000 }, ['12:30'])).toBeUndefined()
})

test('a request waits a day and two hours at most, ends before its run must, and does not wait at all when that is too soon', () => {
  expect(spillMoment(NOW, undefined)).toEqual(new Date('2026-11-22T14:00:00Z'))
  expect(spillMoment(NOW, new Date('2026-11-21T18:00:00Z'))).toEqual(new Date('2026-11-21T17:30:00Z'))
  expect(spillMoment(NOW, new Date('2026-11-21T12:40:00Z'))).toBeUndefined()
  expect(spillMoment(NOW, new Date('2026-11-21T11:00:00Z'))).toBeUndefined()
})

test('polls grow apart up to a bound', () => {
  const delays = [0, 1, 5, 20, 1_000].map((polls) => pollDelayMs(polls, 10_000, 300_000, 0.5))
  expect(delays).toEqual([10_000, 15_000, 75_938, 300_000, 300_000])
})

test('a custom id fits both providers and leads back to its request, and to no other batch', () => {
  const batchId = newId('bat', NOW, () => 0.5)
  const requestId = derivedId('brq', 'default', 'run_1', 'generate')
  const customId = customIdOf(batchId, requestId)
  expect(customId).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
  expect(requestIdOf(customId, batchId)).toBe(requestId)
  expect(
    requestIdOf(
      customId,
      newId('bat', NOW, () => 0.6),
    ),
  ).toBeUndefined()
})
