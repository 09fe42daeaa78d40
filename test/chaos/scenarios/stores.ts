import { setTimeout as sleep } from 'node:timers/promises'
import type { Done, Scenario, Stage } from '../scenario.ts'
import { until } from '../until.ts'
import { processesOf } from './processes.ts'

const KILL_BOUND_MS = 10_000
const FLUSH_BOUND_MS = 30_000

/**
 * A steady stream of tickets, and in the middle of it the blow. Drafts wait at the models' doors while it falls, so that there
 * is work under way in every queue. Recovery counts from when the blow is over: before that nothing could recover.
 */
async function underLoad(
  { installation, sender, tickets, size }: Stage,
  boundMs: number,
  blow: () => Promise<Readonly<Record<string, number>>>,
): Promise<Done> {
  const [count, perSecond] = size === 'full' ? [200, 40] : [40, 20]
  const gates = installation.workers().map(({ gate }) => gate)
  const inFlight = () => gates.reduce((sum, gate) => sum + gate.open(), 0)
  const load = sender.stream(tickets(count), perSecond)
  await until('a quarter of the tickets is in', 60_000, () => sender.acks().length >= count / 4)
  for (const gate of gates) gate.hold()
  await until('drafts are being written', 20_000, () => inFlight() >= count / 10)
  const held = inFlight()
  // More at once than the workers can take in, so that the queues hold jobs, too.
  const crowd = tickets(count / 2)
  const burst = sender.postAll(crowd, 50)
  await until(
    'half of the crowd is in',
    30_000,
    () => crowd.filter(({ ref }) => sender.isAcknowledged(ref)).length >= crowd.length / 2,
  )
  const counts = await blow()
  const at = new Date()
  for (const gate of gates) gate.release()
  await Promise.all([load, burst])
  return { event: { at, boundMs }, counts: { inFlight: held, ...counts }, violations: [] }
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
