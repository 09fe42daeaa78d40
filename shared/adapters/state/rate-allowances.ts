import { LRUCache } from 'lru-cache'
import type { RateDecision, RateLimit } from '#shared/ports/rate-limiter.ts'
import { rolled, type Windows } from './rate-limiter.local.ts'

/** A process may run ahead of what it has told by this part of the room that it knows of. */
const PART = 16
const MAX_KEYS = 50_000

type Known = {
  /** As the shared count was last heard of; nothing was heard of a key that is new here. */
  windows: Windows | undefined
  limit: RateLimit
  /** Granted here and not told yet. */
  untold: number
  /** How much more may be granted before asking. */
  left: number
}

/**
 * What one process may grant of shared limits without asking first: a sixteenth of the room that was left when it last heard of a key,
 * and of the whole limit when it has not heard of it. What it granted is told soon after, and what it hears then sets how much is left, so that
 * far below a limit nobody waits for the shared count, and close to it everybody asks. A limit below 16 is always asked about.
 */
export function rateAllowances() {
  const keys = new LRUCache<string, Known>({ max: MAX_KEYS })
  /** Those with something to tell; apart from the others, which may be forgotten. */
  const owing = new Map<string, Known>()

  const knownOf = (limit: RateLimit): Known => {
    const known = owing.get(limit.key) ?? keys.get(limit.key)
    if (known && known.limit.limit === limit.limit) return known
    const fresh = { windows: known?.windows, limit, untold: known?.untold ?? 0, left: Math.floor(limit.limit / PART) }
    keys.set(limit.key, fresh)
    if (fresh.untold > 0) owing.set(limit.key, fresh)
    return fresh
  }

  return {
    /** All of the limits, when all of them leave enough; otherwise none, and the shared count is to be asked. */
    grant(limits: readonly RateLimit[], nowMs: number): RateDecision | undefined {
      const known = limits.map(knownOf)
      if (limits.some(({ cost }, i) => cost > known[i]!.left)) return undefined
      let remaining = Number.MAX_SAFE_INTEGER
      for (const [i, limit] of limits.entries()) {
        const own = known[i]!
        own.left -= limit.cost
        own.untold += limit.cost
        owing.set(limit.key, own)
        remaining = Math.min(remaining, limit.limit - rolled(own.windows, nowMs, limit.windowMs).used - own.untold)
      }
      return { allowed: true, retryAfterMs: 0, remaining: Math.max(0, Math.floor(remaining)) }
    },

    /** What is to be told of a key. It counts as told from now on. */
    owed(key: string): number {
      const known = owing.get(key)
      if (!known) return 0
      owing.delete(key)
      const { untold } = known
      known.untold = 0
      return untold
    },

    /** The limits of which there is something to tell. */
    owing: (): RateLimit[] => [...owing.values()].map(({ limit }) => limit),

    /** @param windows as they are now, with everything told */
    heard(limit: RateLimit, windows: Windows, nowMs: number): void {
      const known = knownOf(limit)
      known.windows = windows
      const room = limit.limit - rolled(windows, nowMs, limit.windowMs).used
      known.left = Math.max(0, Math.floor(room / PART) - known.untold)
    },
  }
}
