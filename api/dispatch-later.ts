import type { Dispatch, Dispatcher } from '#shared/ports/dispatcher.ts'
import type { Log } from '#shared/ports/log.ts'

const MAX_WAITING = 10_000
const MAX_BATCH = 500

/**
 * Puts the first jobs of accepted runs on their queues without keeping the producers waiting: the run is durable, and what a
 * dead Redis does not take, the sweeper dispatches later. For the same reason the line here is short and drops what does not
 * fit. One batch is under way at a time, so that under load few round trips carry many jobs.
 */
export function dispatchLater(dispatcher: Pick<Dispatcher, 'dispatch'>, log: Log) {
  let waiting: Dispatch[] = []
  let sending: Promise<void> | undefined
  let dropped = 0

  const send = async () => {
    // The current tick first: what is accepted together travels together.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH)
      waiting = waiting.slice(MAX_BATCH)
      try {
        await dispatcher.dispatch(batch)
      } catch (error) {
        log.warn({ jobs: batch.length, err: error }, 'jobs were not dispatched; the sweeper will')
      }
    }
    if (dropped > 0) log.warn({ jobs: dropped }, 'too many jobs waited to be dispatched; the sweeper will')
    dropped = 0
    sending = undefined
  }

  return {
    add(job: Dispatch): void {
      if (waiting.length < MAX_WAITING) waiting.push(job)
      else dropped++
      sending ??= send()
    },
    /** Resolves when everything added so far is on its way or given up. */
    settled: async (): Promise<void> => sending,
  }
}
export type DispatchLater = ReturnType<typeof dispatchLater>
