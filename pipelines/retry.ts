import { type Duration, durationMs } from '#shared/domain/duration.ts'

/** `attempts` counts the first execution, too. Delays double from `first` to `max`, with full jitter. */
type Backoff = { readonly attempts: number; readonly first: Duration; readonly max: Duration }
/** The wait before each repeat, exactly as listed: for counterparts whose recovery takes hours. */
type Schedule = { readonly after: readonly Duration[] }
export type RetryPolicy = Backoff | Schedule

export const never: RetryPolicy = { attempts: 1, first: '0s', max: '0s' }
/** For stores next door: they are back within seconds or there is something to look at. */
export const quick: RetryPolicy = { attempts: 6, first: '200ms', max: '10s' }
/** For model providers: rate limits and incidents last minutes. */
export const patient: RetryPolicy = { attempts: 6, first: '1s', max: '2m' }
/** Work that nobody waits for, on stores that may be away for an hour: it waits them out. */
export const enduring: RetryPolicy = { attempts: 60, first: '1s', max: '5m' }
/** Other people's servers (Standard Webhooks, "Retry schedule"): seven more chances over about a day. */
export const webhookSchedule: RetryPolicy = { after: ['5s', '5m', '30m', '2h', '5h', '10h'] }

export const attemptsOf = (policy: RetryPolicy): number => ('after' in policy ? policy.after.length + 1 : policy.attempts)

/**
 * How long to wait after the `attempt`-th execution failed (1 = the first), or undefined when there is none left.
 * Full jitter: uniform between 0 and the exponential bound, which spreads a crowd of retries best
 * (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 * @param random in [0, 1)
 * @param retryAfterMs what the other side asked for; the wait is never shorter
 * @returns milliseconds
 */
export function nextDelayMs(policy: RetryPolicy, attempt: number, random: number, retryAfterMs = 0): number | undefined {
  if (attempt >= attemptsOf(policy)) return undefined
  const own = 'after' in policy ? durationMs(policy.after[attempt - 1]!) : random * backoffBoundMs(policy, attempt)
  return Math.max(Math.round(own), retryAfterMs)
}

const backoffBoundMs = (policy: Backoff, attempt: number) =>
  Math.min(durationMs(policy.max), durationMs(policy.first) * 2 ** Math.min(attempt - 1, 30))

/** What is wrong with a policy; empty when nothing is. */
export function retryProblems(policy: RetryPolicy): string[] {
  const durations = 'after' in policy ? policy.after : [policy.first, policy.max]
  const problems = durations.flatMap((duration) => {
    try {
      durationMs(duration)
      return []
    } catch (error) {
      return [(error as Error).message]
    }
  })
  const attempts = attemptsOf(policy)
  if (!Number.isInteger(attempts) || attempts < 1) problems.push(`attempts must be a whole number from 1, not ${attempts}`)
  return problems
}
