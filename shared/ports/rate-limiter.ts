export type RateLimit = { readonly key: string; readonly limit: number; readonly windowMs: number; readonly cost: number }
export type RateDecision = { readonly allowed: boolean; readonly retryAfterMs: number; readonly remaining: number }

/** Sliding windows shared by all processes, each of which may run a little ahead of what it has told the others. */
export interface RateLimiter {
  /** Takes all of the limits or none of them, in one round trip at most; the decision is the strictest one. */
  take(limits: readonly RateLimit[], now: Date): Promise<RateDecision>
}
