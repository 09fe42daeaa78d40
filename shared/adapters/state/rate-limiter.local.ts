import { LRUCache } from 'lru-cache'
import type { RateDecision, RateLimit, RateLimiter } from '#shared/ports/rate-limiter.ts'

export type Windows = { index: number; current: number; previous: number }

const MAX_KEYS = 50_000

/**
 * Sliding window counter: the count of the current fixed window, plus that of the one before in proportion to how much of it the
 * sliding window still covers (Majkowski/Desgats, "How we built rate limiting capable of scaling to millions of domains",
 * Cloudflare, 2017). Two numbers a key, and off by a few per cent at worst where traffic within a window is uneven.
 * @returns what a key's windows are at `nowMs`; a clock that stepped back stays in the window it was in
 */
export function rolled(windows: Windows | undefined, nowMs: number, windowMs: number): Windows & { readonly used: number } {
  const index = Math.max(Math.floor(nowMs / windowMs), windows?.index ?? 0)
  const age = windows ? index - windows.index : 2
  const current = age === 0 ? windows!.current : 0
  const previous = age === 0 ? windows!.previous : age === 1 ? windows!.current : 0
  const covered = 1 - Math.max(0, nowMs - index * windowMs) / windowMs
  return { index, current, previous, used: previous * covered + current }
}

/** How long until `cost` fits, when it does not now: the earlier window slides out, then the current one becomes the earlier. */
export function retryAfterMs(limit: RateLimit, windows: Windows, nowMs: number): number {
  const { current, previous, index } = windows
  const elapsed = Math.max(0, nowMs - index * limit.windowMs)
  const room = limit.limit - limit.cost
  const untilNext = limit.windowMs - elapsed
  if (current <= room && previous > 0)
    return Math.min(untilNext, Math.max(1, Math.ceil(limit.windowMs * (1 - (room - current) / previous) - elapsed)))
  const share = room < 0 || current === 0 ? 1 : Math.max(0, 1 - room / current)
  return Math.max(1, Math.ceil(untilNext + share * limit.windowMs))
}

/** Windows of this process alone: what serves while the shared ones are out of reach, and in tests. */
export function createLocalRateLimiter(): RateLimiter {
  const held = new LRUCache<string, Windows>({ max: MAX_KEYS })
  return {
    async take(limits, now) {
      const nowMs = now.getTime()
      const windows = limits.map(({ key, windowMs }) => rolled(held.get(key), nowMs, windowMs))
      const refused = limits.flatMap((limit, i) =>
        windows[i]!.used + limit.cost > limit.limit ? [retryAfterMs(limit, windows[i]!, nowMs)] : [],
      )
      const remaining = Math.min(...limits.map((limit, i) => limit.limit - windows[i]!.used), Number.MAX_SAFE_INTEGER)
      if (refused.length > 0)
        return { allowed: false, retryAfterMs: Math.max(...refused), remaining: Math.max(0, Math.floor(remaining)) }
      for (const [i, { key, cost, windowMs }] of limits.entries()) {
        const { index, current, previous } = windows[i]!
        // Forgotten by a clock that never jumps, so that a wall clock that went back cannot hold a key for long.
        held.set(key, { index, current: current + cost, previous }, { ttl: 2 * windowMs })
      }
      return accepted(limits, windows)
    },
  }
}

const accepted = (limits: readonly RateLimit[], windows: readonly { readonly used: number }[]): RateDecision => ({
  allowed: true,
  retryAfterMs: 0,
  remaining: Math.max(
    0,
    Math.floor(Math.min(...limits.map(({ limit, cost }, i) => limit - windows[i]!.used - cost), Number.MAX_SAFE_INTEGER)),
  ),
})
