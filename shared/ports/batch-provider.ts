import type { BatchEndpoint } from '#shared/domain/batch.ts'
import type { Failure } from '#shared/domain/failure.ts'
import type { Usage } from '#shared/domain/usage.ts'
import type { LlmRequest } from './llm.ts'

export type BatchLine = { readonly id: string; readonly body: string }

export type Submission = {
  readonly batchId: string
  readonly model: string
  readonly endpoint: BatchEndpoint
  readonly requests: number
  /** The requests, read anew with every call; never all of them in memory. */
  readonly lines: () => AsyncIterable<BatchLine>
}

/** working: come again · ended: results can be read, possibly not of every request · rejected: it was never worked on */
export type RemoteBatch = {
  readonly id: string
  readonly phase: 'working' | 'ended' | 'rejected'
  /** In the provider's own words. */
  readonly status: string
  readonly completed: number
  /** Why it was rejected; `line` counts from 1. */
  readonly problems: readonly { readonly code: string; readonly message: string; readonly line?: number }[]
  /** Where results are, if anywhere. */
  readonly resultRefs: readonly string[]
}

/** What became of one request, or a line that cannot be read. */
export type BatchResult =
  | {
      readonly kind: 'reply'
      readonly customId: string
      readonly text: string
      readonly usage: Usage
      readonly costUsd: number
    }
  /** It was worked on and is no reply; `costUsd` is what it is billed at all the same. */
  | {
      readonly kind: 'failed'
      readonly customId: string
      readonly failure: Failure
      readonly usage: Usage
      readonly costUsd: number
    }
  /** It was not worked on: the batch expired or was cancelled before. Costs nothing. */
  | { readonly kind: 'unserved'; readonly customId: string; readonly code: string }
  | { readonly kind: 'malformed' }

/** found: it is there · none: it certainly is not · unsure: something that may be it is not far enough to tell */
export type Found =
  | { readonly kind: 'found'; readonly batch: RemoteBatch }
  | { readonly kind: 'none' }
  | { readonly kind: 'unsure' }

/**
 * The batch API of a provider. Every method may throw a `StepFailure`; what a failed `create` left behind is found out with `find`.
 * No decision rests on the provider's clock.
 */
export interface BatchProvider {
  readonly name: string
  readonly limits: { readonly maxRequests: number; readonly maxBytes: number }
  /** @returns what would be sent for this request, as it will stand in a batch */
  prepare(request: LlmRequest, model: string): { readonly endpoint: BatchEndpoint; readonly body: string }
  /** Sends what `create` refers to. @returns its id, or null where `create` carries the requests itself */
  upload(submission: Submission, signal: AbortSignal): Promise<string | null>
  /** @returns the id of the newest batch there is, of anybody; null when there is none */
  newest(signal: AbortSignal): Promise<string | null>
  create(submission: Submission, fileId: string | null, signal: AbortSignal): Promise<RemoteBatch>
  /**
   * Looks for a batch that `create` may have made, by listing from the newest back to `marker`.
   * @param isKnown ids of batches that are recorded as another one of ours
   */
  find(
    submission: Pick<Submission, 'batchId' | 'requests'>,
    marker: string | null,
    isKnown: (remoteIds: readonly string[]) => Promise<ReadonlySet<string>>,
    signal: AbortSignal,
  ): Promise<Found>
  read(remoteId: string, signal: AbortSignal): Promise<RemoteBatch>
  /** Asks for it; a batch that is past it goes on. */
  cancel(remoteId: string, signal: AbortSignal): Promise<void>
  /** In any order, possibly partial, possibly with repeats; a long line is a malformed one. */
  results(batch: RemoteBatch, what: Pick<Submission, 'model' | 'endpoint'>, signal: AbortSignal): AsyncIterable<BatchResult>
  /** Removes what the provider still keeps of it. Failing to is no matter: it goes by itself after a while. */
  tidy(batch: RemoteBatch | undefined, fileId: string | null, signal: AbortSignal): Promise<void>
}
