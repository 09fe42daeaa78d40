import type { Queue } from 'bullmq'
import type { Dispatch, Dispatcher } from '#shared/ports/dispatcher.ts'
import { jobIdOf } from '#shared/ports/dispatcher.ts'
import { DEAD_LETTER_QUEUE, openQueue, type QueueSpace, queueNameOf } from './queue-names.ts'

/** BullMQ's bounds; 0 runs first. */
const MAX_PRIORITY = 2_097_151
const MEMORY_MARKER = 'memory-marker'

export function createBullmqDispatcher(
  space: QueueSpace,
  queueNames: readonly string[],
): Dispatcher & { readonly queues: readonly Queue[] } {
  const queues = new Map([...queueNames, DEAD_LETTER_QUEUE].map((name) => [name, openQueue(space, name)]))
  // Without a listener an error of the connection would end the process; the connection's owner reports it.
  for (const queue of queues.values()) queue.on('error', () => {})
  const queueOf = (job: { pipeline: string; step: string }): Queue => {
    const queue = queues.get(queueNameOf(job))
    if (!queue) throw new Error(`there is no queue for step "${job.step}" of "${job.pipeline}"`)
    return queue
  }
  return {
    queues: [...queues.values()],
    async dispatch(jobs) {
      const byQueue = Map.groupBy(jobs, queueOf)
      await Promise.all(
        [...byQueue].map(([queue, group]) => (group.length === 1 ? addOne(queue, group[0]!) : queue.addBulk(group.map(toJob)))),
      )
    },
    async held(jobs) {
      const pipeline = space.redis.pipeline().time()
      for (const job of jobs) {
        const queue = `${space.prefix}:${queueNameOf(job)}`
        pipeline.hmget(`${queue}:${jobIdOf(job)}`, 'timestamp', 'finishedOn').zscore(`${queue}:delayed`, jobIdOf(job))
      }
      const [time, ...replies] = ((await pipeline.exec()) ?? []).map(replyOf)
      const nowMs = Number((time as [string, string] | undefined)?.[0]) * 1_000
      return new Set(jobs.filter((_, i) => isHeld(replies[2 * i], replies[2 * i + 1], nowMs)).map(jobIdOf))
    },
    async lostMemory() {
      return (await space.redis.set(`${space.prefix}:${MEMORY_MARKER}`, '1', 'NX')) === 'OK'
    },
    async depths() {
      return Promise.all(
        [...queues].map(async ([queue, handle]) => {
          const counts = await handle.getJobCounts('wait', 'prioritized', 'active', 'delayed', 'failed')
          const { wait = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts
          return { queue, waiting: wait + prioritized, active, delayed, failed }
        }),
      )
    },
    async mirrorDeadLetters(letters) {
      const jobs = letters.map((letter) => ({ name: `${letter.step}: ${letter.code}`, data: letter, opts: { jobId: letter.id } }))
      await queues.get(DEAD_LETTER_QUEUE)!.addBulk(jobs)
    },
    async forgetDeadLetters(ids) {
      const copies = queues.get(DEAD_LETTER_QUEUE)!
      await Promise.all(ids.map((id) => copies.remove(id)))
    },
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close()))
    },
  }
}

const addOne = (queue: Queue, job: Dispatch) => {
  const { name, data, opts } = toJob(job)
  return queue.add(name, data, opts)
}

const toJob = (job: Dispatch) => {
  const priority = priorityOf(job)
  return {
    name: job.step,
    data: { runId: job.runId, seq: job.seq },
    opts: { jobId: jobIdOf(job), ...(job.delayMs > 0 ? { delay: job.delayMs } : {}), ...(priority > 0 ? { priority } : {}) },
  }
}

/**
 * Someone waits for the interactive lane, so it goes first; and what has begun is finished before something new is begun,
 * which keeps the time of each run short. Among new runs the tenant with the smallest backlog goes first: with that, nobody's flood
 * delays the others (BullMQ's groups would do it, but they are not in the free edition). Offline runs come last.
 */
export function priorityOf(job: Pick<Dispatch, 'lane' | 'seq' | 'backlog'>): number {
  if (job.lane === 'interactive') return 0
  if (job.lane === 'standard' && job.seq > 0) return 0
  const base = job.lane === 'offline' ? 1_000_000 : 1
  return Math.min(base + Math.max(0, Math.floor(job.backlog)), MAX_PRIORITY)
}

/** A job that is put off for longer than this, while its run is due, was put off by a clock that was wrong. */
const MAX_LATE_MS = 10_000
/** BullMQ keeps the moment and a counter in one score. */
const SCORES_PER_MS = 0x1000

/** A job that has finished, well or not, while its run still waits for it is as good as lost; so is one whose time does not come. */
function isHeld(fields: unknown, delayedScore: unknown, nowMs: number): boolean {
  const [timestamp, finishedOn] = (fields as (string | null)[] | undefined) ?? []
  if (timestamp === undefined || timestamp === null || finishedOn !== null) return false
  return delayedScore === null || Number(delayedScore) / SCORES_PER_MS - nowMs <= MAX_LATE_MS
}

function replyOf([error, value]: [Error | null, unknown]): unknown {
  if (error) throw error
  return value
}
