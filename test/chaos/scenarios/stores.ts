import { setTimeout as sleep } from 'node:timers/promises'
import type { Done, Scenario, Stage } from '../scenario.ts'
import { processesOf } from './processes.ts'

const KILL_BOUND_MS = 10_000
const FLUSH_BOUND_MS = 30_000

/**
 * A steady stream of tickets, and in the middle of it the blow. Drafts wait at their doors while it falls, so that there is work
 * under way in every queue.
 * @returns when the blow had fallen; recovery counts from there, because before it nothing could recover
 */
async function underLoad(
  { installation, sender, tickets, size }: Stage,
  boundMs: number,
  blow: () => Promise<Readonly<Record<string, number>>>,
): Promise<Done> {
  const [count, perSecond] = size === 'full' ? [200, 40] : [40, 20]
  const load = sender.stream(tickets(count), perSecond)
  await sleep(((count / perSecond) * 1_000) / 4)
  for (const { gate } of installation.workers()) gate.hold()
  await sleep(((count / perSecond) * 1_000) / 4)
  const inFlight = installation.workers().reduce((sum, { gate }) => sum + gate.open(), 0)
  const counts = await blow()
  const at = new Date()
  for (const { gate } of installation.workers()) gate.release()
  await load
  return { event: { at, boundMs }, counts: { inFlight, ...counts }, violations: [] }
}

export const flushRedis: Scenario = {
  name: 'flush-redis',
  sentence: 'FLUSHALL under load',
  run: (stage) =>
    underLoad(stage, FLUSH_BOUND_MS, async () => {
      await stage.installation.redis.flush()
      return {}
    }),
}

export const emptyRedis: Scenario = {
  name: 'empty-redis',
  sentence: 'kill -9 of Redis under load, restarted empty',
  run: (stage) =>
    underLoad(stage, FLUSH_BOUND_MS, async () => {
      const startedAt = performance.now()
      await stage.installation.redis.kill9()
      await sleep(1_000)
      await stage.installation.redis.restart('empty')
      return { awayMs: Math.round(performance.now() - startedAt) }
    }),
}

export const restartPostgres: Scenario = {
  name: 'restart-postgres',
  sentence: 'PostgreSQL restarted (fast) under load',
  run: (stage) =>
    underLoad(stage, KILL_BOUND_MS, async () => {
      const startedAt = performance.now()
      await processesOf(stage.installation).postgres.restart()
      return { awayMs: Math.round(performance.now() - startedAt) }
    }),
}

export const terminateBackends: Scenario = {
  name: 'terminate-backends',
  sentence: 'pg_terminate_backend of every session, three times under load',
  run: (stage) =>
    underLoad(stage, KILL_BOUND_MS, async () => {
      const { postgres } = processesOf(stage.installation)
      let terminated = 0
      for (let i = 0; i < 3; i++) {
        terminated += await postgres.terminateBackends()
        await sleep(300)
      }
      return { terminated }
    }),
}
