import { describe, expect, test } from 'vitest'
import type { RateLimit, RateLimiter } from '#shared/ports/rate-limiter.ts'

const MINUTE_MS = 60_000
/** The first moment of a window. */
const START = Date.UTC(2026, 10, 21, 12, 0, 0)
const at = (seconds: number) => new Date(START + seconds * 1_000)

let names = 0
/** Every test has its own keys, so that all may share one limiter. */
const limitOf = (limit: number, cost = 1): RateLimit => ({ key: `contract-${++names}`, limit, windowMs: MINUTE_MS, cost })

async function takeMany(limiter: RateLimiter, limits: readonly RateLimit[], times: number, now: Date): Promise<number> {
  const decisions = await Promise.all(Array.from({ length: times }, () => limiter.take(limits, now)))
  return decisions.filter(({ allowed }) => allowed).length
}

/** What every rate limiter does. */
export function rateLimiterContract(name: string, limiter: () => RateLimiter): void {
  describe(`rate limiter: ${name}`, () => {
    test('allows exactly the limit within a window, however many ask at once', async () => {
      expect(await takeMany(limiter(), [limitOf(10)], 50, at(5))).toBe(10)
    })

    test('counts what is left and says when to come back', async () => {
      const limit = limitOf(3)
      expect(await limiter().take([limit], at(0))).toEqual({ allowed: true, retryAfterMs: 0, remaining: 2 })
      await takeMany(limiter(), [limit], 2, at(0))
      const refused = await limiter().take([limit], at(30))
      expect(refused).toMatchObject({ allowed: false, remaining: 0 })
      expect(refused.retryAfterMs).toBeGreaterThan(0)
      const later = new Date(at(30).getTime() + refused.retryAfterMs)
      expect((await limiter().take([limit], later)).allowed).toBe(true)
    })

    test('is not earlier than it says', async () => {
      const limit = limitOf(8)
      await takeMany(limiter(), [limit], 8, at(10))
      const { retryAfterMs } = await limiter().take([limit], at(20))
      expect((await limiter().take([limit], new Date(at(20).getTime() + retryAfterMs - 1_000))).allowed).toBe(false)
    })

    test('slides: half a window later, half of the earlier window still counts', async () => {
      const limit = limitOf(10)
      await takeMany(limiter(), [limit], 10, at(30))
      expect(await takeMany(limiter(), [limit], 20, at(90))).toBe(5)
    })

    test('forgets after two windows', async () => {
      const limit = limitOf(4)
      await takeMany(limiter(), [limit], 4, at(0))
      expect(await takeMany(limiter(), [limit], 9, at(121))).toBe(4)
    })

    test('takes all limits or none: a refusal by one costs nothing at the other', async () => {
      const wide = limitOf(10)
      const narrow = limitOf(2)
      expect(await takeMany(limiter(), [wide, narrow], 6, at(0))).toBe(2)
      expect(await takeMany(limiter(), [wide], 20, at(0))).toBe(8)
    })

    test('keeps keys apart', async () => {
      const one = limitOf(1)
      const other = limitOf(1)
      expect(await takeMany(limiter(), [one], 3, at(0))).toBe(1)
      expect(await takeMany(limiter(), [other], 3, at(0))).toBe(1)
    })

    test('takes a cost as a whole or not at all', async () => {
      const limit = limitOf(10, 4)
      expect(await takeMany(limiter(), [limit], 5, at(0))).toBe(2)
      expect((await limiter().take([{ ...limit, cost: 2 }], at(0))).allowed).toBe(true)
      expect((await limiter().take([{ ...limit, cost: 1 }], at(0))).allowed).toBe(false)
    })

    test('a cost above the limit is refused for ever, with a wait', async () => {
      const { allowed, retryAfterMs } = await limiter().take([limitOf(5, 6)], at(0))
      expect(allowed).toBe(false)
      expect(retryAfterMs).toBeGreaterThan(0)
    })

    test('a clock that steps back does not open a new window', async () => {
      const limit = limitOf(5)
      await takeMany(limiter(), [limit], 5, at(70))
      expect((await limiter().take([limit], at(10))).allowed).toBe(false)
    })

    test('never allows more than the limit in any window of its length, for even traffic', async () => {
      const limit = limitOf(20)
      const allowed: number[] = []
      for (let second = 0; second < 240; second += 1) {
        for (let i = 0; i < 2; i++) if ((await limiter().take([limit], at(second))).allowed) allowed.push(second)
      }
      const busiest = Math.max(...allowed.map((from) => allowed.filter((second) => second >= from && second < from + 60).length))
      // The estimate assumes an even spread within the earlier window; here the spread is bursty at its start.
      expect(busiest).toBeLessThanOrEqual(2 * 20)
      expect(allowed.length).toBeGreaterThanOrEqual(3 * 20)
    })

    test('without limits everything goes', async () => {
      expect((await limiter().take([], at(0))).allowed).toBe(true)
    })
  })
}
