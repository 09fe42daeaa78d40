import { LRUCache } from 'lru-cache'
import type { RateDecision, RateLimit } from '#shared/ports/rate-limiter.ts'
import { rolled, type Windows } from './rate-limiter.local.ts'

/** A process may run ahead of what it has told by this part of the room that it knows of. */
const PART = 16
const MAX_KEYS = 50_000

type Known = {
  /** As the shared count was last heard of; nothing was heard of a key that is new here. */
  windows: Windows | undefined
  limit: number
  windowMs: number
  /** Granted here and not told yet. */
  untold: number
  /** Asked for and not heard of yet. */
  asked: number
  /** How much more may be granted before asking. */
  left: number
}

/**
 * What one process may grant of shared limits without asking first: a sixteenth of the room that was left when it last heard of a key,
 * and of the whole limit when it has not heard of it. What it granted is told soon after, and what it hears then sets how much is left, so that
 * far below a limit nobody waits for the shared count, and close to it everybody asks. A limit below 16 is always asked about.
 */
export function rateAllowances() {
  // Without a time to live: what is known of a key that is at its limit must not be forgotten before it is true no more.
  const keys = new LRUCache<string, Known>({ max: MAX_KEYS })
  /** Those with something to tell; apart from the others, which may be forgotten. */
  const owing = new Map<string, Known>()

  const allow = (known: Known, nowMs: number) => {
    const room = known.limit - (known.windows ? rolled(known.windows, nowMs, known.windowMs).used : 0)
    known.left = Math.max(0, Math.floor(room / PART) - known.untold - known.asked)
  }
  const knownOf = ({ key, limit, windowMs }: RateLimit, nowMs: number): Known => {
    let known = owing.get(key) ?? keys.get(key)
    if (!known) {
      known = { windows: undefined, limit, windowMs, untold: 0, asked: 0, left: 0 }
      keys.set(key, known)
      allow(known, nowMs)
    } else if (known.limit !== limit) {
      known.limit = limit
      allow(known, nowMs)
    }
    return known
  }

  return {
    /** All of the limits, when all of them leave enough; otherwise none, and the shared count is to be asked. */
    grant(limits: readonly RateLimit[], nowMs: number): RateDecision | undefined {
      const known = limits.map((limit) => knownOf(limit, nowMs))
      if (limits.some(({ cost }, i) => cost > known[i]!.left)) return undefined
      let remaining = Number.MAX_SAFE_INTEGER
      for (const [i, { key, limit, windowMs, cost }] of limits.entries()) {
        const own = known[i]!
        own.left -= cost
        own.untold += cost
        owing.set(key, own)
        const used = own.windows ? rolled(own.windows, nowMs, windowMs).used : 0
        remaining = Math.min(remaining, limit - used - own.untold)
      }
      return { allowed: true, retryAfterMs: 0, remaining: Math.max(0, Math.floor(remaining)) }
    },

    /** The question is about to be asked. @returns what is to be told of the key with it; it counts as told from now on */
    asks(limit: RateLimit, nowMs: number): number {
      const known = knownOf(limit, nowMs)
      const { untold } = known
      known.untold = 0
      known.asked += limit.cost
      owing.delete(limit.key)
      return untold
    },

    /** The answer. @param windows as they are now, with everything told; left out when there was none */
    heard(limit: RateLimit, nowMs: number, windows?: Windows): void {
      const known = owing.get(limit.key) ?? keys.get(limit.key)
      if (!known) return
      known.asked -= limit.cost
      if (windows) known.windows = windows
      allow(known, nowMs)
    },

    /** What there is something to tell of, as limits that cost nothing. */
    owing: (): RateLimit[] => [...owing].map(([key, { limit, windowMs }]) => ({ key, limit, windowMs, cost: 0 })),

    /** Nobody is there to be told, and later it would count for another time. */
    forgetOwing(): void {
      for (const known of owing.values()) known.untold = 0
      owing.clear()
    },
  }
}
