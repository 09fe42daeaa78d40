import { setTimeout as sleep } from 'node:timers/promises'
import { allQueues } from '#pipelines/registry.ts'
import type { Engine } from './engine.ts'

/** Jobs that wait in Redis before held runs stay where they are: enough to keep every worker busy until the next look. */
export const WINDOW = 2_000
const LOOK_EVERY_MS = 250

type Feeding = Pick<Engine, 'runs' | 'dispatcher' | 'backlogOf'>

/**
 * Fills up the queues from the log: as many held runs as the queues have room for, the tenants in turns. A backlog of any length
 * thus costs Redis no more than a window of it, and a Redis that comes back empty is filled again in moments.
 * @returns how many were let go
 */
export async function feed({ runs, dispatcher, backlogOf }: Feeding): Promise<number> {
  if (!(await runs.anyHeld())) return 0
  const ours = new Set(allQueues().map(({ queue }) => queue))
  const depths = (await dispatcher.depths()).filter(({ queue }) => ours.has(queue))
  const waiting = depths.reduce((sum, queue) => sum + queue.waiting, 0)
  if (waiting >= WINDOW) return 0
  const released = await runs.release(WINDOW - waiting)
  await dispatcher.dispatch(
    released.map(({ id, tenantId, ...run }) => ({ ...run, runId: id, delayMs: 0, backlog: backlogOf(tenantId) })),
  )
  return released.length
}

/** Feeds until it is stopped. What a failed round let go, the sweeper finds. */
export function startFeeder(engine: Feeding & Pick<Engine, 'log'>): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const { signal } = stopping
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      await feed(engine).catch((error) =>
        engine.log.warn({ err: error }, 'the queues could not be filled up; the next round will'),
      )
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
    }
  }
  const running = loop()
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}
