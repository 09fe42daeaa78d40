import type { Batch, BatchEndpoint, BatchGroup, RequestState } from '#shared/domain/batch.ts'
import type { Failure } from '#shared/domain/failure.ts'
import type { Usage } from '#shared/domain/usage.ts'
import type { BatchLine } from './batch-provider.ts'
import type { JournalEntry } from './journal.ts'

export type NewBatchRequest = Pick<JournalEntry, 'key' | 'task' | 'tier' | 'prompt' | 'customerId'> & {
  readonly id: string
  readonly provider: string
  readonly model: string
  readonly endpoint: BatchEndpoint
  readonly body: string
  readonly inputTokens: number
  readonly spillAt: Date
  readonly createdAt: Date
}
export type AskedRequest = {
  readonly id: string
  readonly state: RequestState
  readonly spillAt: Date
  readonly failure: Failure | null
}

/** The requests of runs that wait for a batch. */
export interface BatchRequests {
  /** What is known of a request; undefined when it was never asked. */
  find(id: string): Promise<AskedRequest | undefined>
  /** Durable when it resolves; one that is there already stays as it is. */
  ask(request: NewBatchRequest): Promise<AskedRequest>
  /**
   * From now on it is asked synchronously. A reply in the journal that turned out to be of no use stays on the bill and is no
   * reply any more.
   */
  spill(id: string, failure: Failure): Promise<void>
}

/** What became of a request, ready to be written: `journal` also leaves a trace of a failed call. */
export type AppliedResult = {
  readonly id: string
  readonly state: 'answered' | 'failed' | 'spilled'
  readonly text: string | null
  readonly failure: Failure | null
  readonly usage: Usage
  readonly costUsd: number
  readonly journal: boolean
}
export type Applied = {
  /** Those that this result ended; the others were ended before. */
  readonly ended: readonly {
    readonly id: string
    readonly tenantId: string
    readonly task: string
    readonly state: AppliedResult['state']
    readonly costUsd: number
  }[]
  /** Billed, but too late to be of use. */
  readonly late: number
  readonly repeated: number
}

export type BatchProgress = Batch & {
  readonly answered: number
  readonly failed: number
  readonly spilled: number
  readonly cancelled: number
  readonly waiting: number
  readonly costUsd: number
}
export type BatchFigures = {
  readonly requests: readonly { readonly provider: string; readonly state: RequestState; readonly count: number }[]
  readonly batches: readonly { readonly provider: string; readonly state: string; readonly count: number }[]
  readonly oldestQueuedSeconds: number
  readonly oldestSubmittedSeconds: number
  /** Of the requests that ended: those that had to be asked synchronously. */
  readonly spillRatio: number
  /** US dollars that batches cost, which is what they saved. */
  readonly costUsd: number
}

/** A run to wake: one of its requests has ended and none of that step is open. */
export type ToWake = {
  readonly runId: string
  readonly step: string
  readonly spilled: boolean
  readonly requestIds: readonly string[]
}

type BatchChange = {
  readonly state?: Batch['state']
  readonly fileId?: string | null
  readonly marker?: string | null
  readonly remoteId?: string
  readonly remoteStatus?: string
  readonly completed?: number
  readonly polls?: number
  readonly cancelSent?: boolean
  readonly failure?: Failure
  readonly creations?: number
  /** Starts (or ends) the time in which it is unknown whether the batch exists. */
  readonly creating?: 'begins' | 'over'
  readonly problems?: { readonly malformed: number; readonly unknown: number; readonly repeated: number }
}

/** The truth about batches. Times are the database's own: those of workers and providers may differ. */
export interface BatchStore {
  groups(): Promise<BatchGroup[]>
  /** One atomic step. @returns how many requests went in; 0 when there were none left, and then there is no batch */
  pack(
    batchId: string,
    group: Pick<BatchGroup, 'provider' | 'model' | 'endpoint'>,
    limits: { maxRequests: number; maxBytes: number },
  ): Promise<number>
  /** Ends requests whose runs have ended, and spills those whose time is over. @returns how many of each */
  expire(): Promise<{ readonly cancelled: number; readonly spilled: number }>
  load(batchId: string): Promise<Batch | undefined>
  /** @returns the batch when nobody else works on it and `seq` is its current one */
  lease(batchId: string, seq: number, owner: string, forMs: number): Promise<Batch | undefined>
  /** @returns false when the lease was lost */
  renew(batchId: string, owner: string, forMs: number): Promise<boolean>
  /** Only while the lease is held. @returns false when it was lost, and nothing was written */
  change(batchId: string, owner: string, change: BatchChange): Promise<boolean>
  /** Gives the lease back and says when the next job is due. */
  release(batchId: string, owner: string, dueInMs: number): Promise<void>
  /** Takes requests that ended meanwhile out of a batch that was not sent yet. @returns how many are left in it */
  trim(batchId: string): Promise<number>
  lines(batchId: string): AsyncIterable<BatchLine>
  /** @returns of these ids of the provider, those that are recorded with a batch */
  knownRemoteIds(provider: string, remoteIds: readonly string[]): Promise<ReadonlySet<string>>
  apply(batchId: string, results: readonly AppliedResult[]): Promise<Applied>
  /** Sends what is still packed back: to the queue when it was never worked on, else to be asked synchronously. */
  returnRest(batchId: string, to: 'queued' | 'spilled', failure: Failure): Promise<number>
  /** Spills the requests on these lines of the batch's file (from 1). */
  spillLines(batchId: string, lines: readonly number[], failure: Failure): Promise<number>
  /** True when none of its requests waits for it any more. */
  abandoned(batchId: string): Promise<boolean>
  requestCancel(batchId: string, failure: Failure): Promise<boolean>
  /** Open batches whose job has been due for longer than `overdueMs`. */
  overdue(overdueMs: number, limit: number): Promise<{ readonly id: string; readonly seq: number }[]>
  /** The next job is due now. @returns the new seq; undefined when the batch is done or gone */
  resend(batchId: string, seq?: number): Promise<number | undefined>
  byRemoteId(provider: string, remoteId: string): Promise<string | undefined>
  /** @returns false when this id was taken before */
  takeWebhook(provider: string, id: string, keepMs: number): Promise<boolean>
  toWake(limit: number, maxSpilled: number): Promise<ToWake[]>
  /** They were woken, or need not be; the others are looked at again after `restMs`. */
  woken(requestIds: readonly string[]): Promise<void>
  notWoken(requestIds: readonly string[], restMs: number): Promise<void>
  list(limit: number): Promise<BatchProgress[]>
  progress(batchId: string): Promise<BatchProgress | undefined>
  figures(): Promise<BatchFigures>
}
