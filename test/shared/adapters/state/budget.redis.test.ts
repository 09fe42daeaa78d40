import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createRedisBudget } from '#shared/adapters/state/budget.redis.ts'
import { createBudgetStore } from '#shared/adapters/state/budget-store.postgres.ts'
import { createJournal } from '#shared/adapters/state/journal.postgres.ts'
import type { Database } from '#shared/database/client.ts'
import { retryable } from '#shared/domain/failure.ts'
import type { BudgetAsk, Reservation } from '#shared/ports/budget.ts'
import { budgetContract, CONTRACT_BUDGETS } from '#test/contracts/budget.contract.ts'
import { createMemoryBudget } from '#test/fakes/budget.memory.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { onEveryDatabase } from '#test/servers/databases.ts'
import { hasRedis, startRedis, type TestRedis } from '#test/servers/redis.ts'

let now = new Date('2026-11-21T12:00:00.000Z')
const clock = { now: () => now, random: () => 0.5 }
const setNow = (next: Date) => {
  now = next
}
beforeEach(() => setNow(new Date('2026-11-21T12:00:00.000Z')))

const memory = createMemoryBudget(() => CONTRACT_BUDGETS, clock)
budgetContract('memory', () => ({ budget: memory, setNow }))

const askOf = (customerId: string, worstUsd: number, more: Partial<BudgetAsk> = {}): BudgetAsk => ({
  payer: { tenantId: 'acme', runId: `run_${customerId}`, step: 'generate', visit: 1, customerId },
  purpose: 'generate',
  worstUsd,
  ...more,
})

describe.skipIf(!hasRedis)('with a real Redis (needs redis-server on PATH)', () => {
  let server: TestRedis
  let redis: Redis
  const connect = async (path: string) => {
    const made = new Redis({ path, enableOfflineQueue: false, maxRetriesPerRequest: 1, retryStrategy: () => 50 })
    made.on('error', () => {})
    await new Promise((resolve) => made.once('ready', resolve))
    return made
  }
  beforeAll(async () => {
    server = await startRedis()
    redis = await connect(server.socket)
  })
  afterAll(async () => {
    redis.disconnect()
    await server.stop()
  })

  onEveryDatabase((database) => {
    const prefix = `test-${randomUUID()}`
    const budgetOn = (on: Redis, log = recordingLog(), db: Database = database()) =>
      createRedisBudget({ redis: on, prefix, store: createBudgetStore(db), budgetsOf: async () => CONTRACT_BUDGETS, clock, log })
    let shared: ReturnType<typeof budgetOn>
    beforeAll(() => {
      shared = budgetOn(redis)
    })
    afterAll(() => shared.idle())

    budgetContract('redis', () => ({ budget: shared, setNow }))

    const rowsOf = (customerId: string) =>
      database().forTenant(
        'acme',
        `SELECT state, count(*) AS n, sum(held_nano_usd)::bigint AS held, sum(cost_nano_usd)::bigint AS cost
         FROM budget_reservations WHERE tenant_id = $1 AND customer_id = $2 GROUP BY state ORDER BY state`,
        [customerId],
      )

    test('what was spent and what is out is there again after a flush, before the first decision', async () => {
      const spent = await shared.reserve(askOf('flushed', 6))
      await shared.settle((spent as { reservation: Reservation }).reservation, 5)
      const out = await shared.reserve(askOf('flushed', 2))
      await server.flush()
      expect(await shared.reserve(askOf('flushed', 4))).toMatchObject({ granted: false, refusal: { leftUsd: 3 } })
      await shared.settle((out as { reservation: Reservation }).reservation, 1)
      expect(await shared.reserve(askOf('flushed', 5))).toMatchObject({ granted: false, refusal: { leftUsd: 4 } })
      expect((await shared.reserve(askOf('flushed', 4))).granted).toBe(true)
    })

    test('four processes, 800 reservations, settlements and releases while Redis is flushed again and again: never a cent too much', async () => {
      const budgets = [shared, ...[1, 2, 3].map(() => budgetOn(redis))]
      let flushing = true
      const flushes = (async () => {
        let n = 0
        for (; flushing; n++) {
          await redis.flushall()
          await new Promise((resolve) => setTimeout(resolve, 5 + 20 * (n % 5)))
        }
        return n
      })()
      let outUsd = 0
      let spentUsd = 0
      let most = 0
      const one = async (i: number) => {
        const budget = budgets[i % 4]!
        const decision = await budget.reserve(askOf('stormy', 0.25)).catch((error) => {
          // So many flushes may keep an account from being read; then nothing is granted, which is the promise.
          expect(error.failure.code).toBe('budget-unavailable')
          return { granted: false as const }
        })
        if (!decision.granted) return
        outUsd += 0.25
        most = Math.max(most, outUsd + spentUsd)
        await new Promise((resolve) => setTimeout(resolve, i % 7))
        outUsd -= 0.25
        if (i % 3 === 0) return budget.release(decision.reservation)
        spentUsd += 0.125
        return budget.settle(decision.reservation, 0.125)
      }
      for (let wave = 0; wave < 4; wave++) await Promise.all(Array.from({ length: 200 }, (_, i) => one(i)))
      flushing = false
      expect(await flushes).toBeGreaterThan(3)
      expect(most).toBeLessThanOrEqual(10)
      expect(spentUsd).toBeGreaterThan(1)
      await Promise.all(budgets.map((budget) => budget.idle()))
      const rows = await rowsOf('stormy')
      expect(rows.filter(({ state }) => state === 'open')).toEqual([])
      expect(rows.reduce((sum, { cost }) => sum + Number(cost), 0)).toBe(Math.round(spentUsd * 1e9))
      // What is left is exactly what was not spent, and not a nano-dollar is stuck.
      expect((await shared.reserve(askOf('stormy', 10 - spentUsd + 1e-9))).granted).toBe(false)
      expect((await shared.reserve(askOf('stormy', 10 - spentUsd))).granted).toBe(true)
    })

    test('a call that is settled while its account is being read is neither lost nor counted twice', async () => {
      const store = createBudgetStore(database())
      const gate = Promise.withResolvers<void>()
      const reading = Promise.withResolvers<void>()
      const slow = createRedisBudget({
        redis,
        prefix,
        budgetsOf: async () => CONTRACT_BUDGETS,
        clock,
        log: recordingLog(),
        store: {
          ...store,
          async load(account) {
            const state = await store.load(account)
            reading.resolve()
            await gate.promise
            return state
          },
        },
      })
      const first = await shared.reserve(askOf('reader', 4))
      await server.flush()
      const second = slow.reserve(askOf('reader', 1))
      await reading.promise
      await shared.settle((first as { reservation: Reservation }).reservation, 3)
      gate.resolve()
      expect((await second).granted).toBe(true)
      expect(await shared.reserve(askOf('reader', 7))).toMatchObject({ granted: false, refusal: { leftUsd: 6 } })
      await slow.idle()
    })

    test('what a reader brings from before a flush is not taken', async () => {
      const store = createBudgetStore(database())
      let readings = 0
      const slow = createRedisBudget({
        redis,
        prefix,
        budgetsOf: async () => CONTRACT_BUDGETS,
        clock,
        log: recordingLog(),
        store: {
          ...store,
          async load(account) {
            const state = await store.load(account)
            if (account.scope === 'customer-day' && readings++ === 0) {
              await server.flush()
              await shared.reserve(askOf('stale', 8))
              await server.flush()
            }
            return state
          },
        },
      })
      expect((await slow.reserve(askOf('stale', 1))).granted).toBe(true)
      expect(await slow.reserve(askOf('stale', 2))).toMatchObject({ granted: false, refusal: { leftUsd: 1 } })
      expect(readings).toBeGreaterThan(1)
      await slow.idle()
    })

    test('while Redis is away nothing is granted, and nothing stays reserved', async () => {
      const lonely = await startRedis()
      const away = await connect(lonely.socket)
      const budget = budgetOn(away)
      await lonely.kill9()
      await expect(budget.reserve(askOf('lonely', 1))).rejects.toMatchObject({
        failure: { kind: 'retryable', code: 'budget-unavailable' },
      })
      await budget.idle()
      expect(await rowsOf('lonely')).toMatchObject([{ state: 'released', n: 1, cost: 0 }])
      away.disconnect()
      await lonely.stop()
    })

    test('while the database is away nothing is granted', async () => {
      const broken = { asSystem: async () => Promise.reject(retryable('database-unavailable', 'gone')) } as unknown as Database
      await expect(budgetOn(redis, recordingLog(), broken).reserve(askOf('unread', 1))).rejects.toMatchObject({
        failure: { kind: 'retryable' },
      })
    })

    test('a process that died between a reply and its settlement is charged what the journal says, once', async () => {
      const requestHash = 'a-hash'
      const crashed = await shared.reserve(askOf('crashed', 5, { requestHash, holdMs: 60_000 }))
      const again = await shared.reserve(askOf('crashed', 5, { requestHash, holdMs: 60_000 }))
      expect([crashed.granted, again.granted]).toEqual([true, true])
      await createJournal(database()).record({
        key: { tenantId: 'acme', runId: 'run_crashed', step: 'generate', visit: 1, requestHash },
        task: 'generate',
        tier: 'standard',
        prompt: { id: 'p', version: 1, hash: 'h' },
        provider: 'openai',
        model: 'gpt-6.1-terra',
        usage: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 },
        costUsd: 0.75,
        latencyMs: 1,
        startedAt: now,
        result: { kind: 'reply', text: '{}' },
      })
      setNow(new Date(now.getTime() + 61_000))
      await shared.closeExpired()
      await shared.closeExpired()
      expect(await rowsOf('crashed')).toMatchObject([
        { state: 'expired', n: 1, cost: 0 },
        { state: 'settled', n: 1, cost: 750_000_000 },
      ])
      expect(await shared.reserve(askOf('crashed', 10))).toMatchObject({ granted: false, refusal: { leftUsd: 9.25 } })
    })

    test('a settled reservation cannot be taken up again, and is not moved to another tenant', async () => {
      const decision = await shared.reserve(askOf('twice', 1, { id: `twice-${prefix}-${database().kind}` }))
      const { reservation } = decision as { reservation: Reservation }
      await shared.settle({ ...reservation, tenantId: 'other' }, 1)
      await shared.settle(reservation, 0.5)
      await expect(shared.reserve(askOf('twice', 1, { id: reservation.id }))).rejects.toMatchObject({
        failure: { code: 'budget-settled' },
      })
    })
  })
})
