import type { Run } from '#shared/domain/run.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Dispatch, Dispatcher } from '#shared/ports/dispatcher.ts'
import type { DocumentCopies } from '#shared/ports/document-copies.ts'
import type { Log } from '#shared/ports/log.ts'
import type { RunLog } from '#shared/ports/run-log.ts'
import type { Telemetry } from '#shared/ports/telemetry.ts'
import type { TenantStore } from '#shared/ports/tenant-store.ts'
import type { TokenStream } from '#shared/ports/token-stream.ts'
import type { Traces } from '#shared/ports/traces.ts'
import type { RecentRuns } from './recent-runs.ts'
import type { Deps } from './step.ts'

/** What the engine itself stands on, beside the doors of the steps. */
export type Engine = {
  readonly runs: RunLog
  readonly dispatcher: Dispatcher
  readonly stream: TokenStream
  readonly tenants: TenantStore
  readonly telemetry: Telemetry
  readonly clock: Clock
  readonly log: Log
  /** Absent when traces go nowhere. */
  readonly traces?: Traces | undefined
  /** Names this process in the log of every run it moves. */
  readonly worker: string
  /** How many runs of the tenant are not at rest, as of a moment ago. */
  readonly backlogOf: (tenantId: string) => number
  readonly deps: Deps
  /** Absent where nobody sweeps. */
  readonly copies?: Pick<DocumentCopies, 'forgetDue'>
  /** Absent where runs are moved but not worked on. */
  readonly recent?: RecentRuns
  /** Whether whoever has moved a run to this step takes it up himself, without a queue. Absent: never. */
  readonly goesOn?: (step: Pick<Dispatch, 'pipeline' | 'step' | 'lane'>) => boolean
  /** Told of every run that has come to `status`, once that is recorded; may fail without harm. */
  readonly onMoved?: (run: Run, status: Run['status']) => Promise<unknown>
}
