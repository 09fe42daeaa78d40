import type { BatchThresholds } from '#shared/domain/batch.ts'
import type { BatchProvider } from '#shared/ports/batch-provider.ts'
import type { BatchStore } from '#shared/ports/batch-store.ts'
import type { Budget } from '#shared/ports/budget.ts'
import type { Dispatcher } from '#shared/ports/dispatcher.ts'
import type { RunLog } from '#shared/ports/run-log.ts'
import type { Engine } from '../engine.ts'

export type BatchPace = {
  /** How often the collector looks whether something is to be packed. */
  readonly collectEveryMs: number
  readonly firstPollMs: number
  readonly maxPollMs: number
  /** A worker that is killed loses its batch after this. */
  readonly leaseMs: number
  /** After a `create` of unknown outcome nothing is created again for this long: longer than a provider may still work on the call. */
  readonly createSettleMs: number
  readonly wakeEveryMs: number
  readonly wakePerSecond: number
  /** Runs whose requests are now asked synchronously: the providers' limits are narrower there. */
  readonly spillPerSecond: number
  /** Results that are written in one statement. */
  readonly applyRows: number
}
export const DEFAULT_PACE: BatchPace = {
  collectEveryMs: 5_000,
  firstPollMs: 10_000,
  maxPollMs: 5 * 60_000,
  leaseMs: 20_000,
  createSettleMs: 120_000,
  wakeEveryMs: 500,
  wakePerSecond: 1_000,
  spillPerSecond: 50,
  applyRows: 500,
}

/** What the batch worker stands on. */
export type BatchDesk = Pick<
  Engine,
  'runs' | 'dispatcher' | 'stream' | 'telemetry' | 'clock' | 'log' | 'backlogOf' | 'worker'
> & {
  readonly runs: RunLog
  readonly dispatcher: Dispatcher
  readonly batches: BatchStore
  readonly batchProviders: readonly BatchProvider[]
  readonly budget?: Budget
  readonly thresholds: BatchThresholds
  readonly pace: BatchPace
}

/** Queues of the batch worker, named as steps are: `batch.collect` and so on. */
export const BATCH_PIPELINE = 'batch'
export const BATCH_STEPS = ['collect', 'advance', 'wake'] as const
export type BatchStep = (typeof BATCH_STEPS)[number]
export const batchQueues = (): string[] => BATCH_STEPS.map((step) => `${BATCH_PIPELINE}.${step}`)

export const providerOf = (desk: Pick<BatchDesk, 'batchProviders'>, name: string): BatchProvider | undefined =>
  desk.batchProviders.find((provider) => provider.name === name)

/** A job goes to the queue of its step; the log of runs knows nothing of it. */
export const sendJob = (
  desk: Pick<BatchDesk, 'dispatcher'>,
  step: BatchStep,
  runId: string,
  seq: number,
  delayMs = 0,
): Promise<void> =>
  desk.dispatcher.dispatch([{ runId, seq, pipeline: BATCH_PIPELINE, step, lane: 'offline', delayMs, backlog: 0 }])
