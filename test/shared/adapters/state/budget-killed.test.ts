import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { createRedisBudget } from '#shared/adapters/state/budget.redis.ts'
import { createBudgetStore } from '#shared/adapters/state/budget-store.postgres.ts'
import { Database } from '#shared/database/client.ts'
import { openPostgres } from '#shared/database/engine.postgres.ts'
import { migrate } from '#shared/database/migrate.ts'
import { CONTRACT_BUDGETS } from '#test/contracts/budget.contract.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { onPostgres } from '#test/servers/databases.ts'
import { hasRedis, startRedis } from '#test/servers/redis.ts'
import { tiedToUs } from '#test/servers/tied-to-us.ts'

describe.skipIf(!hasRedis)('a process that is killed with money in its hands (needs redis-server on PATH)', () => {
  onPostgres((url) => {
    test('leaves no orphan: its money is held until its time is over, then everybody may spend it again', async () => {
      const server = await startRedis()
      const database = new Database(openPostgres(url()))
      await migrate(database)
      const [program, args] = tiedToUs(process.execPath, [
        join(import.meta.dirname, 'hold-reservations.ts'),
        server.socket,
        url(),
        'killed',
      ])
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      const [said] = await once(child.stdout, 'data')
      expect(String(said)).toBe('held 10\n')
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited

      let now = new Date('2026-11-21T12:00:30.000Z')
      const redis = new Redis({ path: server.socket })
      const budget = createRedisBudget({
        redis,
        prefix: 'killed',
        store: createBudgetStore(database),
        budgetsOf: async () => CONTRACT_BUDGETS,
        clock: { now: () => now, random: () => 0.5 },
        log: recordingLog(),
      })
      const payer = { tenantId: 'acme', runId: 'run_after', step: 'generate', visit: 1, customerId: 'killed' }
      const reserve = () => budget.reserve({ payer, purpose: 'generate', worstUsd: 1 })
      expect(await budget.closeExpired()).toBe(0)
      expect((await reserve()).granted).toBe(false)
      await server.flush()
      expect((await reserve()).granted).toBe(false)
      await budget.idle()
      now = new Date('2026-11-21T12:01:30.000Z')
      expect(await budget.closeExpired()).toBe(10)
      const all = await Promise.all(Array.from({ length: 12 }, reserve))
      expect(all.filter(({ granted }) => granted)).toHaveLength(10)
      await budget.idle()
      redis.disconnect()
      await database.close()
      await server.stop()
    })
  })
})
