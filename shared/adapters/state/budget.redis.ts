import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { accountsOf, type BudgetAccount, dayOf, fromNanoUsd, toNanoUsd } from '#shared/domain/budget.ts'
import { retryable, StepFailure } from '#shared/domain/failure.ts'
import type { TenantBudgets } from '#shared/domain/tenant-budgets.ts'
import type { Budget, BudgetAsk, BudgetDecision, Reservation, SettledCall } from '#shared/ports/budget.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Log } from '#shared/ports/log.ts'
import { budgetScripts } from './budget-scripts.ts'
import type { BudgetStore, Closed, Closing } from './budget-store.postgres.ts'

export type RedisBudgetOptions = {
  readonly redis: Redis
  readonly store: BudgetStore
  /** What the tenant may spend, as of now. @throws when the tenant is unknown */
  readonly budgetsOf: (tenantId: string) => Promise<TenantBudgets>
  readonly clock: Clock
  readonly log: Pick<Log, 'warn'>
  /** Keeps installations on one Redis apart. */
  readonly prefix: string
}

const HOLD_MS = 10 * 60_000
/** An account is read anew from the database after this long, whatever may have gone wrong with it meanwhile. */
const ACCOUNT_LIFETIME_MS = 10 * 60_000
const READING_MS = 10_000
const MAX_READINGS = 8
const EXPIRED_AT_ONCE = 200

/**
 * Redis decides, PostgreSQL remembers. A reservation's row is there before Redis is asked and closed before Redis is told, so an
 * account that Redis does not know (flushed, expired, never seen) can be read from the rows without missing money that is out:
 * see docs/decisions/0024-budgets.md. While either store is away nothing is granted.
 */
export function createRedisBudget(options: RedisBudgetOptions): Budget & { idle(): Promise<void> } {
  const { redis, store, budgetsOf, clock, log, prefix } = options
  const accounts = createAccounts(budgetScripts(redis), store, prefix)
  const closing = new Set<Promise<unknown>>()

  function close(change: Closing): Promise<void> {
    const work = orUnavailable(store.close(change)).then((closed) => closed && tellRedis(closed))
    closing.add(work)
    return work.finally(() => closing.delete(work))
  }
  /** The account is right in the database already; a Redis that missed it reads it from there in a while. */
  async function tellRedis(closed: Closed): Promise<void> {
    try {
      const budgets = await budgetsOf(closed.tenantId)
      // Limits that were lifted or set since the reservation do no harm: what an account does not hold is not closed.
      const all = { ...budgets, tenant: { dayUsd: 0, monthUsd: 0 } }
      await accounts.close(closed.id, closed.costNanoUsd, accountsOf(withoutGaps(closed), all, closed.day))
    } catch (err) {
      log.warn(
        { err, reservation: closed.id },
        'a closed reservation is not known to Redis yet; it will be read from the database',
      )
    }
  }
  /** Nobody waits for it; when it fails, the reservation ends with its time. */
  function closeLater(change: Closing): void {
    const work = close(change).catch((err) =>
      log.warn({ err, reservation: change.id }, 'a reservation stays open until it expires'),
    )
    closing.add(work)
    void work.finally(() => closing.delete(work))
  }

  async function reserve(ask: BudgetAsk): Promise<BudgetDecision> {
    const { payer, worstUsd, holdMs = HOLD_MS, id = `bdg_${randomUUID()}`, ifRefused, ...rest } = ask
    const heldNanoUsd = toNanoUsd(worstUsd)
    const createdAt = clock.now()
    const { tenantId } = payer
    const budgets = await orUnavailable(budgetsOf(tenantId))
    const expiresAt = new Date(createdAt.getTime() + holdMs)
    const row = { ...rest, payer, id, heldNanoUsd, day: dayOf(createdAt), createdAt, expiresAt }
    const day = await orUnavailable(store.open(row))
    const all = accountsOf(payer, budgets, day)
    const ended = { tenantId, id, costNanoUsd: 0, at: createdAt }
    try {
      const refused = await orUnavailable(accounts.reserve(id, heldNanoUsd, all))
      if (!refused) return { granted: true, reservation: { id, tenantId } }
      const { scope, limitNanoUsd } = refused.account
      const refusal = { scope, limitUsd: fromNanoUsd(limitNanoUsd), leftUsd: Math.max(0, fromNanoUsd(refused.leftNanoUsd)) }
      const next = ifRefused === undefined ? '' : `; next: ${ifRefused}`
      const reason = `${scope}: ${refusal.leftUsd.toFixed(6)} of ${refusal.limitUsd} USD left${next}`
      closeLater({ ...ended, state: 'refused', reason })
      return { granted: false, refusal }
    } catch (error) {
      closeLater({ ...ended, state: 'released', reason: 'the budget could not be read' })
      throw error
    }
  }

  return {
    reserve,
    async settle({ id, tenantId }: Reservation, costUsd: number, call?: SettledCall) {
      await close({ id, tenantId, state: 'settled', costNanoUsd: toNanoUsd(costUsd), at: clock.now(), ...(call && { call }) })
    },
    release: ({ id, tenantId }) => close({ id, tenantId, state: 'released', costNanoUsd: 0, at: clock.now() }),
    async closeExpired() {
      const closed = await orUnavailable(store.closeExpired(clock.now(), EXPIRED_AT_ONCE))
      await Promise.all(closed.map(tellRedis))
      return closed.length
    },
    async idle() {
      await Promise.allSettled(closing)
    },
  }
}

const withoutGaps = ({ tenantId, customerId, conversationId }: Closed) => ({
  tenantId,
  ...(customerId !== undefined && { customerId }),
  ...(conversationId !== undefined && { conversationId }),
})

type Refused = { readonly account: BudgetAccount; readonly leftNanoUsd: number }

/** The accounts as Redis holds them, read from the database where it does not. */
function createAccounts(redis: ReturnType<typeof budgetScripts>, store: BudgetStore, prefix: string) {
  const readings = new Map<string, Promise<void>>()
  const keyOf = ({ scope, tenantId, owner, period }: BudgetAccount) =>
    [prefix, 'budget', scope, ...[tenantId, owner, period].map(encodeURIComponent)].join(':')
  const keysOf = (accounts: readonly BudgetAccount[]) =>
    accounts.flatMap((account) => [keyOf(account), `${keyOf(account)}:loading`])

  async function read(account: BudgetAccount, token: string): Promise<void> {
    const { spentNanoUsd, open } = await store.load(account)
    const held = [...open].flat()
    await redis.budgetInstall(2, ...keysOf([account]), token, spentNanoUsd, ACCOUNT_LIFETIME_MS, ...held)
  }
  /** One reading of an account at a time, whoever needs it; it announced itself before it began. */
  function readOnce(account: BudgetAccount, token: string): Promise<void> {
    const key = keyOf(account)
    const running = readings.get(key)
    if (running) return running
    const reading = read(account, token).finally(() => readings.delete(key))
    readings.set(key, reading)
    return reading
  }

  return {
    /** @returns the first account that has not enough left; undefined when all have */
    async reserve(id: string, nanoUsd: number, accounts: readonly BudgetAccount[]): Promise<Refused | undefined> {
      if (accounts.length === 0) return undefined
      const keys = keysOf(accounts)
      const limits = accounts.map(({ limitNanoUsd }) => limitNanoUsd)
      for (let reading = 0; reading < MAX_READINGS; reading++) {
        const token = randomUUID()
        const [said, ...numbers] = (await redis.budgetReserve(
          keys.length,
          ...keys,
          id,
          nanoUsd,
          token,
          READING_MS,
          ...limits,
        )) as number[]
        if (said === 1) return undefined
        if (said === 2) return { account: accounts[numbers[0]! - 1]!, leftNanoUsd: numbers[1]! }
        await Promise.all(numbers.map((at) => readOnce(accounts[at - 1]!, token)))
      }
      throw retryable('budget-unavailable', `Redis lost the account ${MAX_READINGS} times while it was being read`)
    },
    async close(id: string, costNanoUsd: number, accounts: readonly BudgetAccount[]): Promise<void> {
      if (accounts.length === 0) return
      const keys = keysOf(accounts)
      await redis.budgetClose(keys.length, ...keys, id, costNanoUsd)
    },
  }
}

async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof StepFailure) throw error
    throw retryable('budget-unavailable', 'the budget cannot be read, and without it no call is made', undefined, error)
  }
}
