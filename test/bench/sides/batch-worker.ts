import { type RunningBatches, startBatches } from '#cli/start-batches.ts'
import { allQueues } from '#pipelines/registry.ts'
import { createLog, type Doors, openDoors } from '#shared/wiring.ts'
import { batchQueues } from '#workers/batch/batch-desk.ts'
import { documentSetQueues } from '#workers/document-sets/set-desk.ts'
import type { Engine } from '#workers/engine.ts'
import { type BatchBench, batchBenchConfig } from '../batch-config.ts'
import { answerCalls } from '../side.ts'

/** A process that only does what the batch worker does; the drill kills it. */
let running: { doors: Doors; batches: RunningBatches } | undefined

async function open(bench: BatchBench): Promise<void> {
  const config = batchBenchConfig(bench)
  const log = createLog(bench.logLevel ?? 'silent')
  const queueNames = [...allQueues().map(({ queue }) => queue), ...batchQueues(), ...documentSetQueues()]
  const doors = await openDoors({ config, redisUrl: bench.redisUrl, queueNames, log, prefix: 'bench-batch' })
  const engine: Engine = { ...doors, worker: `batch-${process.pid}`, backlogOf: () => 0, deps: undefined as never }
  running = { doors, batches: startBatches(doors, engine, bench.settings) }
}

answerCalls({ open }, async () => {
  await running?.batches.stop()
  await running?.doors.close()
})
