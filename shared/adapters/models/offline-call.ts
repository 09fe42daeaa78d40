import { type BatchEndpoint, spillMoment } from '#shared/domain/batch.ts'
import { type Failure, Parked, StepFailure } from '#shared/domain/failure.ts'
import { derivedId } from '#shared/domain/id.ts'
import type { Lane } from '#shared/domain/ticket.ts'
import type { BatchRequests, NewBatchRequest } from '#shared/ports/batch-store.ts'
import type { Budget } from '#shared/ports/budget.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { JournalKey } from '#shared/ports/journal.ts'
import { orUnavailable } from './failed-calls.ts'

export type OfflineParts = {
  readonly requests: BatchRequests
  readonly clock: Clock
  /** Without one, batches are not held against anybody's budget. */
  readonly budget?: Budget
}

/** A call that may wait: what is common to completions and embeddings. */
export type OfflineCall = Omit<NewBatchRequest, 'id' | 'spillAt' | 'createdAt' | 'endpoint' | 'body'> & {
  readonly deadlineAt: Date | undefined
  readonly customerTier?: 'free' | 'standard' | 'enterprise'
  readonly conversationId?: string
  /** The most it can cost at batch price. */
  readonly worstUsd: number
  /** Only made when it is needed. */
  readonly prepare: () => { readonly endpoint: BatchEndpoint; readonly body: string }
}

/** now: ask synchronously · answered: the journal (or the caller's own store) has it */
export type OfflineState = 'now' | 'answered'

/** The run sleeps a little longer than its request may wait, so that it is the batch worker who wakes it and not the sweeper. */
const OVERSLEEP_MS = 5 * 60_000
/** A reservation outlives its request by this, so that it is settled by the reply and not by its age. */
const HOLD_LONGER_MS = 60 * 60_000

export const isOffline = (call: { readonly lane?: Lane }): boolean => call.lane === 'offline'

export const requestIdFor = ({ tenantId, runId, step, visit, requestHash }: JournalKey): string =>
  derivedId('brq', tenantId, runId, step, String(visit), requestHash)

/**
 * Where a call stands. One that was never asked is recorded (durably, and its money set aside under the request's own id) and then waits.
 * @throws Parked while it waits, the failure that a batch brought, `journal-unavailable` or `budget-unavailable` (retryable)
 */
export async function offlineState(call: OfflineCall, parts: OfflineParts): Promise<OfflineState> {
  const { requests, clock } = parts
  const id = requestIdFor(call.key)
  const known = (await orUnavailable(requests.find(id))) ?? (await firstAsk(id, call, parts))
  if (known === 'now') return 'now'
  if (known.state === 'answered') return 'answered'
  if (known.state === 'failed') throw new StepFailure(known.failure ?? UNKNOWN_FAILURE)
  if (known.state === 'spilled' || known.state === 'cancelled') return 'now'
  if (known.spillAt <= clock.now()) {
    await spillOffline(call.key, TOO_LATE, parts)
    return 'now'
  }
  throw new Parked(new Date(known.spillAt.getTime() + OVERSLEEP_MS), `request ${id} waits for a batch`)
}

async function firstAsk(id: string, call: OfflineCall, { requests, clock, budget }: OfflineParts) {
  const now = clock.now()
  const spillAt = spillMoment(now, call.deadlineAt)
  if (!spillAt) return 'now'
  const { key, customerTier, conversationId, worstUsd, prepare, deadlineAt: _, ...rest } = call
  if (budget && worstUsd > 0) {
    const { tenantId, runId, step, visit, requestHash } = key
    const payer = { tenantId, runId, step, visit, ...optional({ customerId: call.customerId, customerTier, conversationId }) }
    const holdMs = spillAt.getTime() - now.getTime() + HOLD_LONGER_MS
    const { granted } = await budget.reserve({ payer, purpose: call.task, worstUsd, requestHash, holdMs, id, tier: call.tier })
    // What to do without money is decided where all calls are paid for.
    if (!granted) return 'now'
  }
  return orUnavailable(requests.ask({ ...rest, key, id, ...prepare(), spillAt, createdAt: now }))
}

/** From now on the request is asked synchronously; what was set aside for the batch is free again. */
export async function spillOffline(key: JournalKey, failure: Failure, { requests, budget }: OfflineParts): Promise<void> {
  const id = requestIdFor(key)
  await orUnavailable(requests.spill(id, failure))
  await budget?.release({ id, tenantId: key.tenantId })
}

const TOO_LATE: Failure = { kind: 'retryable', code: 'batch-too-late', message: 'no batch brought the reply in time' }
const UNKNOWN_FAILURE: Failure = { kind: 'needs-person', code: 'batch-failed', message: 'the batch brought no reply' }

function optional<T extends Record<string, unknown>>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
