import { describe, expect, test } from 'vitest'
import { rateAllowances } from '#shared/adapters/state/rate-allowances.ts'
import type { RateLimit } from '#shared/ports/rate-limiter.ts'

const MINUTE_MS = 60_000
const NOW = Date.UTC(2026, 10, 21, 12, 0, 0)
const INDEX = NOW / MINUTE_MS
const limitOf = (limit: number, cost = 1): RateLimit => ({ key: 'k', limit, windowMs: MINUTE_MS, cost })

/** How often in a row it grants without asking. */
function grants(allowances: ReturnType<typeof rateAllowances>, limit: RateLimit, nowMs = NOW): number {
  let n = 0
  while (allowances.grant([limit], nowMs) !== undefined) n++
  return n
}
function hear(allowances: ReturnType<typeof rateAllowances>, limit: RateLimit, current: number): void {
  allowances.asks({ ...limit, cost: 0 }, NOW)
  allowances.heard({ ...limit, cost: 0 }, NOW, { index: INDEX, current, previous: 0 })
}

describe('what a process grants of a shared limit without asking', () => {
  test('is a sixteenth of the limit for a key that is new, and of the room that is left for one it heard of', () => {
    const allowances = rateAllowances()
    expect(grants(allowances, limitOf(320))).toBe(20)
    hear(allowances, limitOf(320), 160)
    expect(grants(allowances, limitOf(320))).toBe(10)
    hear(allowances, limitOf(320), 320)
    expect(grants(allowances, limitOf(320))).toBe(0)
  })

  test('is nothing where a sixteenth is less than one, or than the cost', () => {
    expect(grants(rateAllowances(), limitOf(15))).toBe(0)
    expect(grants(rateAllowances(), limitOf(160, 11))).toBe(0)
  })

  test('is not renewed by a limit that changes', () => {
    const allowances = rateAllowances()
    hear(allowances, limitOf(1_000), 900)
    expect(grants(allowances, limitOf(200))).toBe(0)
    let alternating = 0
    for (let n = 0; n < 100; n++) alternating += grants(allowances, limitOf(n % 2 ? 1_600 : 1_610))
    expect(alternating).toBeLessThanOrEqual(Math.floor(710 / 16))
  })

  test('leaves room for what is being asked for', () => {
    const allowances = rateAllowances()
    allowances.asks(limitOf(320, 1), NOW)
    for (let n = 0; n < 3; n++) allowances.asks(limitOf(320, 4), NOW)
    allowances.heard(limitOf(320, 1), NOW, { index: INDEX, current: 1, previous: 0 })
    expect(grants(allowances, limitOf(320))).toBe(Math.floor(319 / 16) - 12)
  })

  test('a key that is full stays so until its window slides out, however long nothing is heard', () => {
    const allowances = rateAllowances()
    hear(allowances, limitOf(320), 320)
    expect(grants(allowances, limitOf(320), NOW + 30_000)).toBe(0)
    hear(allowances, limitOf(320), 320)
    expect(grants(allowances, limitOf(320), NOW + 59_000)).toBe(0)
  })

  test('what was granted is owed once, and forgotten when there is nobody to tell', () => {
    const allowances = rateAllowances()
    const granted = grants(allowances, limitOf(320))
    expect(allowances.owing()).toEqual([limitOf(320, 0)])
    expect(allowances.asks(limitOf(320, 0), NOW)).toBe(granted)
    expect(allowances.asks(limitOf(320, 0), NOW)).toBe(0)
    expect(allowances.owing()).toEqual([])
    hear(allowances, limitOf(320), 0)
    grants(allowances, limitOf(320))
    allowances.forgetOwing()
    expect(allowances.owing()).toEqual([])
    expect(allowances.asks(limitOf(320, 0), NOW)).toBe(0)
  })
})
