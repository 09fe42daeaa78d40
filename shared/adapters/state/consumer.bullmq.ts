import { setTimeout as sleep } from 'node:timers/promises'
import { type Job as BullJob, DelayedError, WaitingError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import * as z from 'zod'
import type { Consumer, JobHandler } from '#shared/ports/consumer.ts'
import type { Log } from '#shared/ports/log.ts'
import { openQueue, type QueueSpace, queueNameOf } from './queue-names.ts'

const JobData = z.object({ runId: z.string(), seq: z.int().nonnegative() })
const CANARY = 'canary'

/**
 * A killed worker's jobs are taken up again after LOCK + STALLED at most. An event loop that stands still for longer than the
 * lock gets a second worker on its jobs, which the runs' seq makes harmless.
 */
const LOCK_MS = 4_000
const STALLED_CHECK_MS = 2_000
/** A job is found "stalled" whenever its worker is killed; that is never the job's own fault, so it is not failed for it. */
const MAX_STALLS = 1_000
const CANARY_EVERY_MS = 10_000
const PAUSE_LOOK_MS = 1_000
const SILENCE_LIMIT_MS = 60_000
/** For jobs that were told to stop to be put back. */
const HAND_BACK_MS = 3_000

export type ConsumerOptions = QueueSpace & {
  /** A connection of its own for each worker's blocking reads. */
  readonly connect: () => Redis
  readonly log: Log
  /** Of this process's own wheel, in milliseconds; never goes back. */
  readonly monotonicMs: () => number
}

export function createBullmqConsumer(options: ConsumerOptions): Consumer {
  const { log, monotonicMs } = options
  const lines: { queue: string; worker: Worker; concurrency: number; heardAt: number; active: number; connection: Redis }[] = []
  let canaries: NodeJS.Timeout | undefined

  const sendCanaries = async (): Promise<void> => {
    await Promise.allSettled(
      lines.map(async ({ queue }) => {
        const handle = canaryQueues.get(queue)!
        await handle.add(CANARY, {}, { removeOnComplete: true, removeOnFail: true, priority: 0 })
      }),
    )
  }
  const canaryQueues = new Map<string, ReturnType<typeof openQueue>>()
  const paused = new Set<string>()
  let pauseLooks: NodeJS.Timeout | undefined
  const lookForPauses = () =>
    Promise.allSettled(
      [...canaryQueues].map(async ([queue, handle]) => {
        if (await handle.isPaused()) paused.add(queue)
        else paused.delete(queue)
      }),
    )

  return {
    start(target, handler, concurrency) {
      const queue = queueNameOf(target)
      const connection = options.connect()
      const line = { queue, concurrency, heardAt: monotonicMs(), active: 0, connection, worker: undefined as unknown as Worker }
      const process = async (job: BullJob, token: string | undefined, signal: AbortSignal | undefined) => {
        line.heardAt = monotonicMs()
        if (job.name === CANARY) return
        line.active++
        try {
          await handle(job, token, handler, signal ?? new AbortController().signal)
        } finally {
          line.active--
          line.heardAt = monotonicMs()
        }
      }
      line.worker = new Worker(queue, process, {
        connection,
        prefix: options.prefix,
        concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        maxStalledCount: MAX_STALLS,
        removeOnComplete: { age: 3_600, count: 200 },
      })
      line.worker.on('error', (error) =>
        log.warn({ queue, err: error }, 'the queue connection reports an error; it reconnects by itself'),
      )
      line.worker.on('lockRenewalFailed', (ids) => {
        for (const id of ids) line.worker.cancelJob(id, 'the lock was lost')
      })
      const canaryQueue = openQueue(options, queue)
      canaryQueue.on('error', () => {})
      canaryQueues.set(queue, canaryQueue)
      lines.push(line)
      canaries ??= setInterval(() => void sendCanaries(), CANARY_EVERY_MS)
      pauseLooks ??= setInterval(() => void lookForPauses(), PAUSE_LOOK_MS)
    },

    paused: (target) => paused.has(queueNameOf(target)),

    async alive() {
      try {
        await options.redis.ping()
      } catch {
        // Nothing can be consumed without Redis; restarting us would not bring it back. Readiness says so instead, and the
        // silence counts from when it is back.
        for (const line of lines) line.heardAt = monotonicMs()
        return { ok: true, detail: 'Redis does not answer, so consumption cannot be judged' }
      }
      const silent = lines.filter((line) => line.active < line.concurrency && monotonicMs() - line.heardAt > SILENCE_LIMIT_MS)
      if (silent.length === 0) return { ok: true, detail: `${lines.length} queues are being consumed` }
      return {
        ok: false,
        detail: `nothing came from ${silent.map((line) => line.queue).join(', ')} for ${SILENCE_LIMIT_MS / 1_000} s, not even the canary`,
      }
    },

    async stop(drainMs) {
      clearInterval(canaries)
      clearInterval(pauseLooks)
      const drained = Promise.all(lines.map((line) => line.worker.close()))
      if (!(await endsWithin(drained, drainMs))) {
        log.warn({ drainMs }, 'handing back the jobs that did not end in time')
        for (const line of lines) line.worker.cancelAllJobs('shutdown')
        // What does not listen to its signal, or cannot reach Redis, is left behind; its job comes again when its lock has run out.
        if (!(await endsWithin(drained, HAND_BACK_MS)))
          log.warn({}, 'some jobs could not be handed back; their locks run out soon')
      }
      await Promise.allSettled([...canaryQueues.values()].map((queue) => queue.close()))
      for (const line of lines) line.connection.disconnect()
    },
  }
}

async function endsWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController()
  const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false)
  return Promise.race([work.then(() => true), late]).finally(() => timer.abort())
}

async function handle(job: BullJob, token: string | undefined, handler: JobHandler, signal: AbortSignal): Promise<void> {
  // A job that is not ours to read is put away as failed, for operators to see; its run, if any, comes again by the sweeper.
  const data = JobData.parse(job.data)
  const result = await handler(data, signal)
  if (result.kind === 'done') return
  if (result.kind === 'hand-back') {
    await job.moveToWait(token)
    throw new WaitingError()
  }
  await job.moveToDelayed(Date.now() + result.delayMs, token)
  throw new DelayedError()
}
