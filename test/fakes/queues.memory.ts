import type { Clock } from '#shared/ports/clock.ts'
import type { Consumer, JobHandler } from '#shared/ports/consumer.ts'
import { type Dispatch, type Dispatcher, jobIdOf } from '#shared/ports/dispatcher.ts'

type Letter = Parameters<Dispatcher['mirrorDeadLetters']>[0][number]
type Held = { readonly job: Dispatch; dueAt: number }

export type MemoryQueues = {
  readonly dispatcher: Dispatcher
  readonly consumer: Consumer
  /** Everything that was ever dispatched, in order. */
  readonly dispatched: Dispatch[]
  letters: Letter[]
  /** While set, every call fails, as when Redis is away. */
  away: boolean
  /** Forgets every job, and that it knew us. */
  flush(): void
  /**
   * Hands the jobs to the consumer's handlers, one after the other, the earliest first, and moves the clock on to jobs that are due
   * later. Ends when no job is left.
   * @throws Error after `limit` jobs: somebody goes round in circles
   */
  drain(limit?: number): Promise<void>
}

/** Queues within this process, with a clock that can be moved. */
export function memoryQueues(clock: Clock & { advance(ms: number): void }): MemoryQueues {
  const held = new Map<string, Held>()
  const handlers = new Map<string, JobHandler>()
  let known = false
  const stopping = new AbortController()
  const nameOf = ({ pipeline, step }: { pipeline: string; step: string }) => `${pipeline}.${step}`
  const check = () => {
    if (queues.away) throw new Error('connect ECONNREFUSED')
  }

  const dispatcher: Dispatcher = {
    async dispatch(jobs) {
      check()
      for (const job of jobs) {
        queues.dispatched.push(job)
        // A second job of one id is ignored without a word, as by BullMQ.
        if (!held.has(jobIdOf(job))) held.set(jobIdOf(job), { job, dueAt: clock.now().getTime() + job.delayMs })
      }
    },
    async held(jobs) {
      check()
      return new Set(jobs.map(jobIdOf).filter((id) => held.has(id)))
    },
    async lostMemory() {
      check()
      const lost = !known
      known = true
      return lost
    },
    async depths() {
      check()
      const groups = Map.groupBy(held.values(), ({ job }) => nameOf(job))
      return [...groups].map(([queue, jobs]) => ({ queue, waiting: jobs.length, active: 0, delayed: 0, failed: 0 }))
    },
    async mirrorDeadLetters(more) {
      check()
      queues.letters.push(...more)
    },
    async forgetDeadLetters(ids) {
      check()
      queues.letters = queues.letters.filter(({ id }) => !ids.includes(id))
    },
    async close() {},
  }
  const consumer: Consumer = {
    start: (queue, handler) => void handlers.set(nameOf(queue), handler),
    alive: async () => ({ ok: true, detail: 'in this process' }),
    stop: async () => stopping.abort('shutdown'),
  }

  async function take(id: string, { job, dueAt }: Held): Promise<void> {
    const now = clock.now().getTime()
    if (dueAt > now) clock.advance(dueAt - now)
    const result = await handlers.get(nameOf(job))!({ runId: job.runId, seq: job.seq }, stopping.signal)
    if (result.kind === 'done') held.delete(id)
    else held.set(id, { job, dueAt: clock.now().getTime() + (result.kind === 'later' ? result.delayMs : 0) })
  }

  const queues: MemoryQueues = {
    dispatcher,
    consumer,
    dispatched: [],
    letters: [],
    away: false,
    flush() {
      held.clear()
      known = false
    },
    async drain(limit = 200) {
      for (let taken = 0; held.size > 0; taken++) {
        if (taken === limit) throw new Error(`still jobs after ${limit} of them`)
        const [next] = [...held].sort(([, a], [, b]) => a.dueAt - b.dueAt)
        await take(...next!)
      }
    },
  }
  return queues
}
