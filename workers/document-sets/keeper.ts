import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer } from '#shared/ports/consumer.ts'
import { cancelRuns, endSets } from './end-sets.ts'
import { alignSchedules, fireOverdue, fireSchedule } from './fire-schedules.ts'
import { FIRE_STEP, SETS_PIPELINE, type SetDesk } from './set-desk.ts'

const LOOK_EVERY_MS = 1_000
/** A job that comes this late was lost. */
const OVERDUE_MS = 5_000
/** Clocks of workers differ a little; what comes earlier than this belongs to another time. */
const MAX_EARLY_MS = 60_000

export type SetKeeper = { stop(): Promise<void> }

/**
 * Ends sets, cancels what is to be cancelled, and fires schedules: by the job of the queue's scheduler, or, when that was lost, by
 * the schedule's row. Any number of processes may do so: every effect is guarded by the row it changes.
 * @param consumer its own: it ends with `stop` of whoever made it
 */
export function startSetKeeper(desk: SetDesk, consumer: Consumer, lookEveryMs = LOOK_EVERY_MS): SetKeeper {
  const stopping = new AbortController()
  const { signal } = stopping
  const fire = async ({ runId }: { readonly runId: string }) => {
    const fired = await fireSchedule(desk, runId)
    return fired.kind === 'too-early' && fired.inMs <= MAX_EARLY_MS
      ? { kind: 'later' as const, delayMs: fired.inMs }
      : { kind: 'done' as const }
  }
  consumer.start({ pipeline: SETS_PIPELINE, step: FIRE_STEP }, fire, 1)
  const duties = [
    () => cancelRuns(desk, signal),
    () => endSets(desk),
    () => alignSchedules(desk),
    () => fireOverdue(desk, OVERDUE_MS),
  ]
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      for (const duty of duties) {
        await duty().catch((error) =>
          desk.log.warn({ err: error }, 'a round of the keeper of document sets failed; the next one will do'),
        )
      }
      await sleep(lookEveryMs, undefined, { signal }).catch(() => {})
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
