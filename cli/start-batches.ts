import { type BatchThresholds, DEFAULT_THRESHOLDS } from '#shared/domain/batch.ts'
import type { Doors } from '#shared/wiring.ts'
import { type BatchDesk, type BatchPace, DEFAULT_PACE } from '#workers/batch/batch-desk.ts'
import { startBatchWorker } from '#workers/batch/batch-worker.ts'
import type { Engine } from '#workers/engine.ts'

/** Of the 20 s that a stop may take. */
const DRAIN_MS = 10_000

export type BatchSettings = { readonly thresholds?: Partial<BatchThresholds>; readonly pace?: Partial<BatchPace> }
export type RunningBatches = {
  alive(): Promise<{ readonly ok: boolean; readonly detail: string }>
  stop(): Promise<void>
}

export const batchDesk = (doors: Doors, engine: Engine, { thresholds, pace }: BatchSettings = {}): BatchDesk => ({
  ...engine,
  batches: doors.batches,
  batchProviders: doors.batchProviders,
  budget: doors.budget,
  thresholds: { ...DEFAULT_THRESHOLDS, ...thresholds },
  pace: { ...DEFAULT_PACE, ...pace },
})

/** The batch worker with a consumer of its own. */
export function startBatches(doors: Doors, engine: Engine, settings?: BatchSettings): RunningBatches {
  const consumer = doors.createConsumer()
  const worker = startBatchWorker(batchDesk(doors, engine, settings), consumer)
  return {
    alive: () => consumer.alive(),
    async stop() {
      await worker.stop()
      await consumer.stop(DRAIN_MS)
    },
  }
}
