import type { Scenario } from './scenario.ts'
import { clockAhead, clockBehind } from './scenarios/clocks.ts'
import { redriveDeadLetters, sameJob, sameKey } from './scenarios/engine.ts'
import { cancelDraft, modelFaults } from './scenarios/models.ts'
import { killApi, killWorker, stopWorker } from './scenarios/processes.ts'
import { emptyRedis, flushRedis, restartPostgres, terminateBackends } from './scenarios/stores.ts'
import { storm } from './scenarios/storm.ts'

export const scenarios: readonly Scenario[] = [
  killWorker,
  killApi,
  stopWorker,
  flushRedis,
  emptyRedis,
  restartPostgres,
  terminateBackends,
  modelFaults,
  cancelDraft,
  sameKey,
  sameJob,
  redriveDeadLetters,
  clockAhead,
  clockBehind,
  storm,
]
