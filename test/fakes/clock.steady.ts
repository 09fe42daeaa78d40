import type { Clock } from '#shared/ports/clock.ts'

/** A clock that stands still until it is moved, and dice that repeat with the seed (mulberry32). */
export function steadyClock(start = '2026-11-21T12:00:00.000Z', seed = 1): Clock & { advance(ms: number): void } {
  let now = new Date(start).getTime()
  let state = seed
  return {
    now: () => new Date(now),
    random() {
      state = (state + 0x6d2b79f5) | 0
      let t = Math.imul(state ^ (state >>> 15), 1 | state)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
    },
    advance(ms) {
      now += ms
    },
  }
}
