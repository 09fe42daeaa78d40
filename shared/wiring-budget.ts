import type { Redis } from 'ioredis'
import { createRedisBudget } from './adapters/state/budget.redis.ts'
import { createBudgetStore } from './adapters/state/budget-store.postgres.ts'
import type { Database } from './database/client.ts'
import { terminal } from './domain/failure.ts'
import { TenantBudgets } from './domain/tenant-budgets.ts'
import type { Budget } from './ports/budget.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import type { Telemetry } from './ports/telemetry.ts'
import type { TenantStore } from './ports/tenant-store.ts'

type Parts = {
  readonly database: Database
  readonly redis: Redis
  readonly tenants: Pick<TenantStore, 'get'>
  readonly telemetry: Pick<Telemetry, 'gauge'>
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
  registerGauges(parts)
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

/** Money that is out and has not come back: it should follow the calls under way, and fall to 0 when nothing is. */
function registerGauges({ database, telemetry }: Parts): void {
  const read = (what: string) => async () => {
    const [row] = await database.asSystem(
      'gauges count the whole installation and show no tenant’s data',
      `SELECT ${what} AS value FROM budget_reservations WHERE state = 'open'`,
    )
    return [{ labels: {}, value: Number(row!.value) }]
  }
  telemetry.gauge('answerline_budget_open_reservations', 'Model calls whose money is set aside.', [], read('count(*)'))
  const held = 'coalesce(sum(held_nano_usd), 0) / 1000000000.0'
  telemetry.gauge('answerline_budget_held_usd', 'US dollars set aside for calls under way.', [], read(held))
}
