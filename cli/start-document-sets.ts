import type { Doors } from '#shared/wiring.ts'
import { startSetKeeper } from '#workers/document-sets/keeper.ts'
import { documentSetQueues } from '#workers/document-sets/set-desk.ts'
import type { Engine } from '#workers/engine.ts'
import { createRunMover } from '#workers/move-run.ts'

/** Of the 20 s that a stop may take. */
const DRAIN_MS = 5_000

/** The keeper of document sets with a consumer of its own. */
export function startDocumentSets(doors: Doors, engine: Engine): { stop(): Promise<void> } {
  const consumer = doors.createConsumer()
  const jobSchedules = doors.openJobSchedules(documentSetQueues()[0]!)
  const keeper = startSetKeeper({ ...doors, jobSchedules, mover: createRunMover(engine) }, consumer)
  return {
    async stop() {
      await keeper.stop()
      await consumer.stop(DRAIN_MS)
      await jobSchedules.close()
    },
  }
}
