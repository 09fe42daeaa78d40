import type { Run } from '#shared/domain/run.ts'
import type { Log } from '#shared/ports/log.ts'
import type { RunLog } from '#shared/ports/run-log.ts'
import { Stopped } from './stopped.ts'

const LOOK_EVERY_MS = 500
/** Most steps that go on without a queue are over by now, and nobody needs to be told of them. */
const SLOW_FROM_LOOKS = 3
/** Twice as long as until the next look. When its process is killed, a run is overdue this much later. */
const KEEP_MS = 1_000

export type Overtaken = {
  /**
   * Runs the work with a signal that aborts (reason `Stopped`) once the run has moved on without us.
   * @param unqueued no queue holds a job for it: while the work goes on, the sweeper is kept from sending one
   */
  watch<T>(run: Pick<Run, 'id' | 'seq'>, work: (gone: AbortSignal) => Promise<T>, unqueued?: boolean): Promise<T>
  stop(): void
}

/**
 * Tells steps in flight that their run was cancelled, answered by a person or given to another worker, so that they stop
 * spending. One small query for all of them, twice a second, against the log: a message over Redis could get lost.
 */
export function watchOvertaken(runs: Pick<RunLog, 'seqs' | 'checked'>, log: Log): Overtaken {
  const inFlight = new Map<symbol, { id: string; seq: number; gone: AbortController; unqueued: boolean; looks: number }>()
  let looking = false
  const look = async (): Promise<void> => {
    if (looking || inFlight.size === 0) return
    looking = true
    try {
      // Only those that were here when the question was asked: the reply knows nothing of who came in the meantime.
      const asked = [...inFlight.values()]
      const slow = asked.filter((one) => one.unqueued && ++one.looks >= SLOW_FROM_LOOKS).map(({ id }) => id)
      if (slow.length > 0) await runs.checked(slow, KEEP_MS)
      const seqs = await runs.seqs([...new Set(asked.map(({ id }) => id))])
      for (const { id, seq, gone } of asked) if (seqs.get(id) !== seq) gone.abort(new Stopped('overtaken'))
    } catch (error) {
      log.warn({ err: error }, 'could not see which runs have moved on; the next look will tell')
    } finally {
      looking = false
    }
  }
  const timer = setInterval(() => void look(), LOOK_EVERY_MS)
  return {
    async watch(run, work, unqueued = false) {
      const key = Symbol(run.id)
      const gone = new AbortController()
      inFlight.set(key, { id: run.id, seq: run.seq, gone, unqueued, looks: 0 })
      try {
        return await work(gone.signal)
      } finally {
        inFlight.delete(key)
      }
    },
    stop: () => clearInterval(timer),
  }
}
