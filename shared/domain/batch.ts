import * as z from 'zod'
import { Failure } from './failure.ts'

/** queued: waits for a batch · packed: in one · answered: its reply is in the journal · failed: for good, a person decides · spilled: to be asked synchronously · cancelled: nobody wants the reply any more */
export const RequestState = z.enum(['queued', 'packed', 'answered', 'failed', 'spilled', 'cancelled'])
export type RequestState = z.infer<typeof RequestState>

/** packed: its requests are chosen · uploaded: their file is at the provider · creating: asked for, not known whether it is there · submitted: it is · done: every result is applied */
export const BatchState = z.enum(['packed', 'uploaded', 'creating', 'submitted', 'done'])
export type BatchState = z.infer<typeof BatchState>

export const BatchEndpoint = z.enum(['/v1/chat/completions', '/v1/embeddings', '/v1/messages'])
export type BatchEndpoint = z.infer<typeof BatchEndpoint>

export const Batch = z.object({
  id: z.string(),
  provider: z.string(),
  model: z.string(),
  endpoint: BatchEndpoint,
  state: BatchState,
  seq: z.int().nonnegative(),
  requests: z.int().nonnegative(),
  bytes: z.number(),
  inputTokens: z.number(),
  fileId: z.string().nullable(),
  marker: z.string().nullable(),
  /** For how long it has been unknown whether it was created. */
  creatingForMs: z.number().nullable(),
  creations: z.int(),
  remoteId: z.string().nullable(),
  remoteStatus: z.string().nullable(),
  completed: z.int(),
  polls: z.int(),
  cancelRequested: z.boolean(),
  cancelSent: z.boolean(),
  malformed: z.int(),
  unknown: z.int(),
  repeated: z.int(),
  failure: Failure.nullable(),
  createdAt: z.date(),
  submittedAt: z.date().nullable(),
  endedAt: z.date().nullable(),
})
export type Batch = z.infer<typeof Batch>

/** Requests that may share a batch: one provider, one model, one endpoint. */
export type BatchGroup = {
  readonly provider: string
  readonly model: string
  readonly endpoint: BatchEndpoint
  readonly requests: number
  readonly bytes: number
  readonly inputTokens: number
  /** Of the request that has waited longest. */
  readonly oldestAgeMs: number
}

/** A batch goes out when any of these is reached. */
export type BatchThresholds = {
  readonly requests: number
  readonly bytes: number
  readonly inputTokens: number
  readonly ageMs: number
  /** Most requests of one batch, below what the provider allows: what one failed batch can take with it. */
  readonly maxRequests: number
  /** Moments of the day (UTC, `HH:MM`) at which whatever waits goes out, such as when cheap hours begin. */
  readonly opensAt: readonly string[]
}
export const DEFAULT_THRESHOLDS: BatchThresholds = {
  requests: 10_000,
  bytes: 100 * 1_048_576,
  inputTokens: 50_000_000,
  ageMs: 10 * 60_000,
  maxRequests: 50_000,
  opensAt: [],
}

export type DueReason = 'requests' | 'bytes' | 'tokens' | 'age' | 'window'

/** Why a group is to be packed now; undefined when it may wait for more. */
export function dueReason(group: BatchGroup, thresholds: BatchThresholds, now: Date): DueReason | undefined {
  if (group.requests === 0) return undefined
  if (group.requests >= thresholds.requests) return 'requests'
  if (group.bytes >= thresholds.bytes) return 'bytes'
  if (group.inputTokens >= thresholds.inputTokens) return 'tokens'
  if (group.oldestAgeMs >= thresholds.ageMs) return 'age'
  const opened = thresholds.opensAt.some((time) => now.getTime() - lastAt(time, now) <= group.oldestAgeMs)
  return opened ? 'window' : undefined
}

/** The latest moment, at or before `now`, at which it was that time of the day (UTC). */
function lastAt(time: string, now: Date): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), hours, minutes)
  return today <= now.getTime() ? today : today - 86_400_000
}

/** A provider takes at most a day; what is not there a little later will not come in time for anybody. */
const PATIENCE_MS = 26 * 3_600_000
/** What a run still needs for the rest of its way, at least. */
const RESERVE_MS = 30 * 60_000
/** Waiting for less than this is not worth a batch: none is collected, submitted and answered so fast. */
const SHORTEST_WAIT_MS = 15 * 60_000

/**
 * Until when a request may wait for a batch.
 * @returns undefined when it would miss its run's deadline: then it is asked at once
 */
export function spillMoment(now: Date, deadlineAt: Date | undefined): Date | undefined {
  const latest = Math.min(now.getTime() + PATIENCE_MS, deadlineAt ? deadlineAt.getTime() - RESERVE_MS : Number.POSITIVE_INFINITY)
  return latest - now.getTime() < SHORTEST_WAIT_MS ? undefined : new Date(latest)
}

/** How long until the provider is asked again: from seconds for small batches to minutes for those that take hours. */
export function pollDelayMs(polls: number, firstMs: number, maxMs: number, random: number): number {
  const delayMs = Math.min(maxMs, firstMs * 1.5 ** Math.min(polls, 30))
  return Math.round(delayMs * (0.8 + 0.4 * random))
}

/** Names a request within its batch; 61 characters of those that both providers allow (`^[a-zA-Z0-9_-]{1,64}$`). */
export const customIdOf = (batchId: string, requestId: string): string => `${batchId}-${requestId}`

/** @returns the request's id, or undefined when the custom id is none of this batch */
export function requestIdOf(customId: string, batchId: string): string | undefined {
  return customId.startsWith(`${batchId}-`) ? customId.slice(batchId.length + 1) : undefined
}
