import { describe, expect, test } from 'vitest'
import {
  admit,
  applyEvent,
  type CallEvent,
  newProviderState,
  takeTrial,
  wilsonLowerBound,
} from '#shared/domain/provider-state.ts'

const START = Date.UTC(2026, 10, 21, 12)
const PER_MINUTE = 1_000

/** A provider's state that is told of calls at moments in ms after the start. */
function world() {
  const state = newProviderState()
  const tell = (kind: CallEvent['kind'], afterMs: number, more: Partial<CallEvent> = {}) =>
    applyEvent(state, { kind, atMs: START + afterMs, trial: false, ...more }, START + afterMs)
  return {
    state,
    tell,
    fail: (times: number, fromMs = 0, everyMs = 10) => {
      for (let i = 0; i < times; i++) tell('failed', fromMs + i * everyMs)
    },
    admit: (afterMs: number) => admit(state, START + afterMs, PER_MINUTE),
    trial: (afterMs: number) => takeTrial(state, START + afterMs),
  }
}

describe('the breaker opens', () => {
  test('with the fifth failure within ten seconds, not with the fourth', () => {
    const { state, fail, tell } = world()
    fail(4)
    expect(state.breaker).toBe('closed')
    tell('failed', 9_000)
    expect(state.breaker).toBe('open')
  })
  test('not when five failures take longer than that', () => {
    const { state, fail } = world()
    fail(10, 0, 2_600)
    expect(state.breaker).toBe('closed')
  })
  test('when at least half of the calls of ten seconds fail, though some succeed between them', () => {
    const { state, tell } = world()
    for (let i = 0; i < 5; i++) {
      tell('succeeded', i * 100)
      expect(state.breaker).toBe('closed')
      tell('failed', i * 100 + 50)
    }
    expect(state.breaker).toBe('open')
  })
  test('when a rate above 5 % is more than bad luck, and not for a share that may be', () => {
    const at = (every: number) => {
      const { state, tell } = world()
      for (let i = 1; i <= 500; i++) tell(i % every === 0 ? 'failed' : 'succeeded', i * 100)
      return state.breaker
    }
    expect(at(7)).toBe('open')
    expect(at(20)).toBe('closed')
  })
  test('at once when a provider goes away in the middle of heavy traffic', () => {
    const { state, tell } = world()
    for (let i = 0; i < 1_000; i++) tell('succeeded', i)
    for (let i = 0; i < 5; i++) tell('failed', 1_000 + i)
    expect(state.breaker).toBe('open')
  })
  test('for nothing that is not a failure of the provider', () => {
    const { state, tell } = world()
    for (let i = 0; i < 100; i++) tell('limited', i)
    for (let i = 0; i < 100; i++) tell('abandoned', i)
    expect(state.breaker).toBe('closed')
  })
})

describe('an open breaker', () => {
  test('turns calls away for a minute, then lets exactly three try', () => {
    const { fail, admit, trial } = world()
    fail(5)
    expect(admit(10_040)).toEqual({ kind: 'wait', why: 'cooling-down', waitMs: 50_000 })
    expect(trial(59_000)).toBe(false)
    expect(admit(60_100)).toEqual({ kind: 'trial' })
    expect([1, 2, 3, 4].map(() => trial(60_100))).toEqual([true, true, true, false])
    expect(admit(60_200)).toMatchObject({ kind: 'wait', why: 'cooling-down' })
  })
  test('closes when all three succeed, with a clean slate', () => {
    const { state, fail, tell, trial, admit } = world()
    fail(5)
    for (let i = 0; i < 3; i++) trial(61_000)
    tell('succeeded', 61_100, { trial: true })
    tell('succeeded', 61_200, { trial: true })
    expect(state.breaker).toBe('half-open')
    tell('succeeded', 61_300, { trial: true })
    expect(admit(61_400)).toEqual({ kind: 'go' })
    fail(4, 61_500)
    expect(state.breaker).toBe('closed')
  })
  test('opens for another minute when one of them fails, whatever late replies of other calls say', () => {
    const { state, fail, tell, trial, admit } = world()
    fail(5)
    for (let i = 0; i < 3; i++) trial(61_000)
    tell('succeeded', 61_050)
    tell('failed', 61_100)
    expect(state.breaker).toBe('half-open')
    tell('failed', 61_200, { trial: true })
    expect(admit(61_300)).toEqual({ kind: 'wait', why: 'cooling-down', waitMs: 59_900 })
  })
  test('gives a trial back that the caller gave up, and trials that were never heard of after a minute', () => {
    const { fail, tell, trial } = world()
    fail(5)
    for (let i = 0; i < 3; i++) trial(61_000)
    tell('abandoned', 61_500, { trial: true })
    expect([trial(61_600), trial(61_600)]).toEqual([true, false])
    expect([trial(122_000), trial(122_000), trial(122_000), trial(122_000)]).toEqual([true, true, true, false])
  })
})

describe('outbound limits', () => {
  test('a provider that asks to wait is left alone for so long, a minute at most', () => {
    const { tell, admit } = world()
    tell('limited', 0, { retryAfterMs: 7_000 })
    expect(admit(2_000)).toEqual({ kind: 'wait', why: 'asked-to-wait', waitMs: 5_000 })
    expect(admit(7_000)).toEqual({ kind: 'go' })
    tell('limited', 8_000, { retryAfterMs: 86_400_000 })
    expect(admit(8_000)).toMatchObject({ waitMs: 60_000 })
    expect(admit(68_001)).toEqual({ kind: 'go' })
  })
  test('and for a second when it does not say how long', () => {
    const { tell, admit } = world()
    tell('limited', 0)
    expect([admit(999).kind, admit(1_000).kind]).toEqual(['wait', 'go'])
  })
  test('no more calls a minute than allowed, whoever makes them', () => {
    const { tell, admit } = world()
    for (let i = 0; i < PER_MINUTE; i++) tell('begun', i)
    expect(admit(30_000)).toMatchObject({ kind: 'wait', why: 'limit-reached' })
    expect(admit(61_500)).toEqual({ kind: 'go' })
  })
})

test('what a clock that ran ahead has written lasts no longer than a minute', () => {
  const { state, tell, admit } = world()
  Object.assign(state, { breaker: 'open', untilMs: START + 86_400_000, pausedUntilMs: START + 86_400_000 })
  state.seconds = [[START / 1_000 + 86_400, 5, 0, 5]]
  tell('succeeded', 0)
  expect(state.seconds).toEqual([[START / 1_000, 0, 1, 0]])
  expect(admit(0)).toMatchObject({ waitMs: 60_000 })
  expect(admit(60_001).kind).toBe('trial')
})

test('it stays small, however long and however much is asked', () => {
  const { state, tell } = world()
  for (let i = 0; i < 50_000; i++) tell(i % 50 === 0 ? 'failed' : 'succeeded', i * 20)
  expect(state.seconds.length).toBeLessThanOrEqual(61)
  expect(JSON.stringify(state).length).toBeLessThan(2_500)
})

test("Wilson's lower bound is the textbook's", () => {
  // Ten of a hundred at 95 %: 0.0552 (Brown, Cai, DasGupta 2001, section 3.1.1, computed).
  expect(wilsonLowerBound(10, 100, 1.96)).toBeCloseTo(0.0552, 3)
  expect(wilsonLowerBound(0, 50, 1.96)).toBe(0)
})
