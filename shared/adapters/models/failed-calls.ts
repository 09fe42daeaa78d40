import { retryable, StepFailure } from '#shared/domain/failure.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Journal } from '#shared/ports/journal.ts'
import type { LlmRequest } from '#shared/ports/llm.ts'
import { ProviderFailure } from './provider-failure.ts'
import { requestHash } from './request-hash.ts'

export interface FailedCalls {
  /**
   * Records a failed model call with its bill, once however often it is handed in; anything else thrown is none and is left alone.
   * @throws `journal-unavailable` (retryable)
   */
  record(request: LlmRequest, error: unknown, startedAt: Date): Promise<void>
}

export function createFailedCalls(journal: Journal, clock: Clock): FailedCalls {
  const recorded = new WeakSet<ProviderFailure>()
  return {
    async record(request, error, startedAt) {
      if (!(error instanceof ProviderFailure) || recorded.has(error)) return
      recorded.add(error)
      const entry = {
        ...journalHeadOf(request),
        ...error.bill,
        latencyMs: Math.max(0, clock.now().getTime() - startedAt.getTime()),
        startedAt,
        result: { kind: 'failed', failure: error.failure } as const,
      }
      await orUnavailable(journal.record(entry))
    },
  }
}

/** What an entry says about the request, whatever became of it. */
export function journalHeadOf(request: LlmRequest) {
  const { task, tier, prompt, call } = request
  const { tenantId, runId, step, visit, customerId } = call
  const key = { tenantId, runId, step, visit, requestHash: requestHash(request) }
  return { key, task, tier, prompt, ...(customerId !== undefined && { customerId }) }
}

/** A journal that does not answer is worth another attempt; going on without it would pay for calls twice. */
export async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof StepFailure) throw error
    throw retryable('journal-unavailable', 'the journal of model calls does not answer', undefined, error)
  }
}
