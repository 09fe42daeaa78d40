import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attemptsOf, nextDelayMs, patient, retryProblems, webhookSchedule } from '#pipelines/retry.ts'

const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('nextDelayMs', () => {
  test('doubles its bound with each attempt until the maximum', () => {
    const policy = { attempts: 10, first: '1s', max: '8s' } as const
    expect([1, 2, 3, 4, 5, 9].map((attempt) => nextDelayMs(policy, attempt, 1))).toEqual([
      1_000, 2_000, 4_000, 8_000, 8_000, 8_000,
    ])
  })
  test('is spread over the whole range by the dice', () => {
    const policy = { attempts: 3, first: '1s', max: '1m' } as const
    expect([0, 0.25, 0.999].map((random) => nextDelayMs(policy, 1, random))).toEqual([0, 250, 999])
  })
  test('never waits less than the other side asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), unit, fc.integer({ min: 0, max: 60_000 }), (attempt, random, asked) => {
        expect(nextDelayMs(patient, attempt, random, asked)).toBeGreaterThanOrEqual(asked)
      }),
    )
  })
  test('ends after the last attempt, however long the other side asks to wait', () => {
    expect(nextDelayMs(patient, attemptsOf(patient), 0.5, 1_000)).toBeUndefined()
  })
  test('follows a schedule to the letter', () => {
    expect([1, 2, 6].map((attempt) => nextDelayMs(webhookSchedule, attempt, 0.9))).toEqual([5_000, 300_000, 36_000_000])
    expect(nextDelayMs(webhookSchedule, 7, 0)).toBeUndefined()
  })
})

test('a wrong duration is a problem and never 0 ms', () => {
  expect(retryProblems({ attempts: 3, first: '1x' as '1s', max: '5s' })).toEqual([
    expect.stringContaining('"1x" is not a duration'),
  ])
  expect(retryProblems({ attempts: 0, first: '1s', max: '5s' })).toEqual([expect.stringContaining('attempts')])
})
