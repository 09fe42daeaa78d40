import type { Redis } from 'ioredis'
import { createRedisBudget } from './adapters/state/budget.redis.ts'
import { createBudgetStore } from './adapters/state/budget-store.postgres.ts'
import type { Database } from './database/client.ts'
import { terminal } from './domain/failure.ts'
import { TenantBudgets } from './domain/tenant-budgets.ts'
import type { Budget } from './ports/budget.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import type { TenantStore } from './ports/tenant-store.ts'

type Parts = {
  readonly database: Database
  readonly redis: Redis
  readonly tenants: Pick<TenantStore, 'get'>
  readonly clock: Clock
  readonly log: Log
  readonly prefix: string
}

/** Of what a process that died left behind; a reservation is held for minutes, so its end may be seconds late. */
const CLOSE_EXPIRED_EVERY_MS = 20_000
/** Calls that are nobody's (embeddings without an owner) are on the books without a limit. */
const NO_LIMITS = TenantBudgets.parse({})

/** The budget, and the clearing away of reservations that nobody closed. */
export function createBudget(parts: Parts): { readonly budget: Budget; closeBudget(): Promise<void> } {
  const { database, tenants, log } = parts
  const budgetsOf = async (tenantId: string) => {
    if (tenantId === '-') return NO_LIMITS
    const tenant = await tenants.get(tenantId)
    if (!tenant) throw terminal('unknown-tenant', `tenant "${tenantId}" does not exist`)
    return tenant.config.budgets
  }
  const budget = createRedisBudget({ ...parts, store: createBudgetStore(database), budgetsOf })
  let round: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    round = budget.closeExpired().then(
      (closed) => closed > 0 && log.warn({ closed }, 'closed budget reservations that nobody settled in time'),
      (err) => log.debug({ err }, 'expired budget reservations could not be closed; the next round does it'),
    )
  }, CLOSE_EXPIRED_EVERY_MS)
  timer.unref()
  return {
    budget,
    async closeBudget() {
      clearInterval(timer)
      await round
      await budget.idle()
    },
  }
}
