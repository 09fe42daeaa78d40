import { createHash } from 'node:crypto'
import type { Clock } from '#shared/ports/clock.ts'
import type { DocumentSetSchedules, JobSchedules } from '#shared/ports/document-set-schedules.ts'
import type { DocumentSetStore } from '#shared/ports/document-set-store.ts'
import type { Log } from '#shared/ports/log.ts'
import type { RunMover } from '#shared/ports/run-mover.ts'
import type { TenantStore } from '#shared/ports/tenant-store.ts'

/** What the keeper of document sets stands on. */
export type SetDesk = {
  readonly documentSets: DocumentSetStore
  readonly schedules: DocumentSetSchedules
  readonly jobSchedules: JobSchedules
  readonly mover: RunMover
  readonly tenants: Pick<TenantStore, 'get'>
  readonly clock: Clock
  readonly log: Log
}

/** The queue on which schedules fire. */
export const SETS_PIPELINE = 'document-sets'
export const FIRE_STEP = 'fire'
export const documentSetQueues = (): string[] => [`${SETS_PIPELINE}.${FIRE_STEP}`]

/** What belongs to a set is one trace; nobody has sent one along. */
export const traceIdOf = (setId: string): string => createHash('sha256').update(setId).digest('hex').slice(0, 32)
