import type { Tenant } from '#shared/domain/tenant.ts'
import type { RateLimit } from '#shared/ports/rate-limiter.ts'
import type { ApiDeps } from './deps.ts'
import { overloaded, Problem } from './problem.ts'

const MINUTE_MS = 60_000
const BACKLOG_RETRY_SECONDS = 5

type LimitDeps = Pick<ApiDeps, 'limiter' | 'clock' | 'backlogOf' | 'backlogTotal' | 'maxBacklogTotal'>

export const tooMany = (detail: string, retryAfterMs: number) =>
  new Problem(429, 'rate-limited', detail, { retryAfterSeconds: Math.ceil(retryAfterMs / 1_000) })

/**
 * Refuses new work while what is there has not been worked off: the queue ends at the door, not in memory.
 * @throws Problem 503 when the whole installation has too much to do, 429 when this tenant has
 */
export function checkBacklog(tenant: Tenant, deps: LimitDeps): void {
  if (deps.backlogTotal() >= deps.maxBacklogTotal)
    throw overloaded('more work is waiting than this installation takes on; try again shortly', BACKLOG_RETRY_SECONDS)
  if (deps.backlogOf(tenant.id) >= tenant.config.limits.maxBacklog)
    throw new Problem(
      429,
      'backlog-full',
      `the tenant has ${tenant.config.limits.maxBacklog} runs or more that are not at rest`,
      {
        retryAfterSeconds: BACKLOG_RETRY_SECONDS,
      },
    )
}

/** @param requesterId limits the customer, too, when known. @throws Problem 429 */
export async function takeTicketRate(tenant: Tenant, requesterId: string | undefined, deps: LimitDeps): Promise<void> {
  const { ticketsPerMinute, ticketsPerMinutePerUser } = tenant.config.limits
  const limits: RateLimit[] = [{ key: `tickets:${tenant.id}`, limit: ticketsPerMinute, windowMs: MINUTE_MS, cost: 1 }]
  if (requesterId !== undefined)
    limits.push({ key: `tickets:${tenant.id}:${requesterId}`, limit: ticketsPerMinutePerUser, windowMs: MINUTE_MS, cost: 1 })
  await take(limits, 'too many tickets in a minute, for the tenant or for this requester', deps)
}

/** @throws Problem 429 */
export function takePerMinute(key: string, limit: number, cost: number, what: string, deps: LimitDeps): Promise<void> {
  return take([{ key, limit, windowMs: MINUTE_MS, cost }], `too many ${what} in a minute`, deps)
}

async function take(limits: readonly RateLimit[], detail: string, deps: LimitDeps): Promise<void> {
  const decision = await deps.limiter.take(limits, deps.clock.now())
  if (!decision.allowed) throw tooMany(detail, decision.retryAfterMs)
}

/**
 * Lets so many pieces of work wait at once and refuses the next: when a store stalls, requests fail fast instead of piling up.
 * @throws Problem 503
 */
export function bounded(max: number, what: string) {
  let inFlight = 0
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (inFlight >= max) throw overloaded(`${what} wait already; try again shortly`, 1)
    inFlight++
    try {
      return await work()
    } finally {
      inFlight--
    }
  }
}
