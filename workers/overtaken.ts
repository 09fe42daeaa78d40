import type { Run } from '#shared/domain/run.ts'
import type { Log } from '#shared/ports/log.ts'
import type { RunLog } from '#shared/ports/run-log.ts'
import { Stopped } from './stopped.ts'

const LOOK_EVERY_MS = 500

export type Overtaken = {
  /** Runs the work with a signal that aborts (reason `Stopped`) once the run has moved on without us. */
  watch<T>(run: Pick<Run, 'id' | 'seq'>, work: (gone: AbortSignal) => Promise<T>): Promise<T>
  stop(): void
}

/**
 * Tells steps in flight that their run was cancelled, answered by a person or given to another worker, so that they stop
 * spending. One small query for all of them, twice a second, against the log: a message over Redis could get lost.
 */
export function watchOvertaken(runs: Pick<RunLog, 'seqs'>, log: Log): Overtaken {
  const inFlight = new Map<symbol, { id: string; seq: number; gone: AbortController }>()
  let looking = false
  const look = async (): Promise<void> => {
    if (looking || inFlight.size === 0) return
    looking = true
    try {
      // Only those that were here when the question was asked: the reply knows nothing of who came in the meantime.
      const asked = [...inFlight.values()]
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
    async watch(run, work) {
      const key = Symbol(run.id)
      const gone = new AbortController()
      inFlight.set(key, { id: run.id, seq: run.seq, gone })
      try {
        return await work(gone.signal)
      } finally {
        inFlight.delete(key)
      }
    },
    stop: () => clearInterval(timer),
  }
}
