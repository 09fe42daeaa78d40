import { setTimeout as sleep } from 'node:timers/promises'
import { failureOf } from '#shared/domain/failure.ts'
import type { Consumer, Job, JobResult } from '#shared/ports/consumer.ts'
import { jobIdOf } from '#shared/ports/dispatcher.ts'
import { advanceBatch, retryDelayMs } from './advance-batch.ts'
import { BATCH_PIPELINE, type BatchDesk, type BatchStep, providerOf, sendJob } from './batch-desk.ts'
import { LeaseLost, type NextLook } from './batch-work.ts'
import { collect } from './collect.ts'
import { wake } from './wake.ts'

const DONE: JobResult = { kind: 'done' }
const later = (delayMs: number): JobResult => ({ kind: 'later', delayMs })
const KEEP_EVERY_MS = 2_000
const OVERDUE_MS = 4_000
const BATCHES_AT_ONCE = 4
const LEASE_TAKEN_MS = 2_000
/** With nobody to wake there is no hurry. */
const IDLE_WAKE_MS = 2_000

/** The two jobs that are there once and come again for ever. */
const COLLECTOR = 'collector'
const WAKER = 'waker'
/** A step that this worker does not know, as a job of another version might name. */
const UNKNOWN_PROVIDER_MS = 60_000

export type BatchWorker = { stop(): Promise<void> }

/**
 * Collects, submits, polls, applies and wakes, each as jobs of a queue that operators see. The jobs may all be lost: a keeper puts
 * back what is missing, from PostgreSQL. Any number of processes may run this; a lease lets one of them work on a batch.
 * @param consumer its own: it ends with `stop` of whoever made it
 */
export function startBatchWorker(desk: BatchDesk, consumer: Consumer): BatchWorker {
  const start = (step: BatchStep, concurrency: number, work: (job: Job, signal: AbortSignal) => Promise<JobResult>) =>
    consumer.start({ pipeline: BATCH_PIPELINE, step }, (job, signal) => guarded(desk, job, () => work(job, signal)), concurrency)
  start('collect', 1, async () => {
    await collect(desk)
    return later(desk.pace.collectEveryMs)
  })
  start('wake', 1, async () => {
    const woken = await wake(desk)
    return later(woken > 0 ? desk.pace.wakeEveryMs : Math.max(desk.pace.wakeEveryMs, IDLE_WAKE_MS))
  })
  start('advance', BATCHES_AT_ONCE, (job, signal) => workOn(desk, job, signal))
  return startKeeper(desk)
}

/** Whatever goes wrong, the job comes again: it is not the job that knows what is to be done. */
async function guarded(desk: BatchDesk, job: Job, work: () => Promise<JobResult>): Promise<JobResult> {
  try {
    return await work()
  } catch (error) {
    desk.log.warn({ job: job.runId, err: error }, 'a job of the batch worker failed; it comes again')
    return later(1_000)
  }
}

/** One move of one batch under its lease. */
export async function workOn(desk: BatchDesk, job: Job, outer: AbortSignal): Promise<JobResult> {
  const owner = `${desk.worker}-${desk.clock.random().toString(36).slice(2)}`
  const batch = await desk.batches.lease(job.runId, job.seq, owner, desk.pace.leaseMs)
  if (!batch) return notLeased(desk, job)
  const provider = providerOf(desk, batch.provider)
  const lease = keepLease(desk, batch.id, owner)
  let next: NextLook = { inMs: UNKNOWN_PROVIDER_MS }
  try {
    if (provider) next = await advanceBatch({ desk, batch, provider, owner, signal: AbortSignal.any([outer, lease.lost]) })
  } catch (error) {
    if (error instanceof LeaseLost || lease.lost.aborted) return later(LEASE_TAKEN_MS)
    const failure = failureOf(error)
    // Patience grows with the age of the batch, from seconds to minutes.
    const tries = Math.log2(Math.max(1, (desk.clock.now().getTime() - batch.createdAt.getTime()) / 20_000))
    desk.log.warn(
      { batchId: batch.id, state: batch.state, code: failure.code, err: error },
      'a move of a batch failed; it is tried again',
    )
    next = { inMs: Math.max(failure.retryAfterMs ?? 0, retryDelayMs(tries, desk.clock.random())) }
  } finally {
    lease.stop()
  }
  const inMs = next === 'done' ? 0 : next.inMs
  await desk.batches.release(batch.id, owner, inMs)
  return next === 'done' ? DONE : later(inMs)
}

async function notLeased(desk: BatchDesk, job: Job): Promise<JobResult> {
  const batch = await desk.batches.load(job.runId)
  const over = !batch || batch.state === 'done' || batch.seq !== job.seq
  return over ? DONE : later(LEASE_TAKEN_MS)
}

/** Renews while the work lasts; `lost` aborts it when that fails, so that two never work on one batch. */
function keepLease(desk: BatchDesk, batchId: string, owner: string): { readonly lost: AbortSignal; stop(): void } {
  const { leaseMs } = desk.pace
  const lost = new AbortController()
  let renewedAt = performance.now()
  const renew = async () => {
    const held = await desk.batches.renew(batchId, owner, leaseMs).catch(() => undefined)
    if (held) renewedAt = performance.now()
    // A database that does not answer may be back in time; one that says no has spoken.
    if (held === false || performance.now() - renewedAt > leaseMs * 0.8) lost.abort(new LeaseLost(batchId))
  }
  const timer = setInterval(() => void renew(), leaseMs / 4)
  return { lost: lost.signal, stop: () => clearInterval(timer) }
}

/** Puts back jobs that the queues lost: the two that always are there, and those of open batches. */
function startKeeper(desk: BatchDesk): BatchWorker {
  const stopping = new AbortController()
  const { signal } = stopping
  const keep = async () => {
    await sendJob(desk, 'collect', COLLECTOR, 0)
    await sendJob(desk, 'wake', WAKER, 0)
    const overdue = await desk.batches.overdue(OVERDUE_MS, 1_000)
    const refs = overdue.map(({ id, seq }) => ({ runId: id, seq, pipeline: BATCH_PIPELINE, step: 'advance' }))
    const held = refs.length > 0 ? await desk.dispatcher.held(refs) : new Set<string>()
    for (const ref of refs.filter((one) => !held.has(jobIdOf(one)))) {
      const seq = await desk.batches.resend(ref.runId, ref.seq)
      if (seq !== undefined) await sendJob(desk, 'advance', ref.runId, seq)
    }
  }
  const loop = async () => {
    while (!signal.aborted) {
      await keep().catch((error) =>
        desk.log.warn({ err: error }, 'the keeper of batch jobs failed; its next round does its work'),
      )
      await sleep(KEEP_EVERY_MS, undefined, { signal }).catch(() => {})
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
