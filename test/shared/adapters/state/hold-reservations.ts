import { Redis } from 'ioredis'
import { createRedisBudget } from '#shared/adapters/state/budget.redis.ts'
import { createBudgetStore } from '#shared/adapters/state/budget-store.postgres.ts'
import { Database } from '#shared/database/client.ts'
import { openPostgres } from '#shared/database/engine.postgres.ts'
import { CONTRACT_BUDGETS } from '#test/contracts/budget.contract.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'

/** A process of its own: holds 10 reservations of a dollar, settles none, says so and waits to be killed. */
const [socket, url, prefix] = process.argv.slice(2) as [string, string, string]
const redis = new Redis({ path: socket })
const clock = { now: () => new Date('2026-11-21T12:00:00.000Z'), random: () => 0.5 }
const store = createBudgetStore(new Database(openPostgres(url)))
const budget = createRedisBudget({ redis, prefix, store, budgetsOf: async () => CONTRACT_BUDGETS, clock, log: recordingLog() })
const payer = { tenantId: 'acme', runId: 'run_killed', step: 'generate', visit: 1, customerId: 'killed' }
const asks = Array.from({ length: 12 }, () => budget.reserve({ payer, purpose: 'generate', worstUsd: 1, holdMs: 60_000 }))
const granted = (await Promise.all(asks)).filter((decision) => decision.granted).length
// What was refused is closed beside the answer.
await budget.idle()
process.stdout.write(`held ${granted}\n`)
setInterval(() => {}, 1_000)
