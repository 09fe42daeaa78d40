import type { LlmRequest } from '#shared/ports/llm.ts'
import type { FailedCalls } from './failed-calls.ts'
import { ProviderFailure } from './provider-failure.ts'

export type BilledCalls = FailedCalls & {
  /**
   * What the failures under one request were billed: those that a fallback got over, and the one it ended with.
   * @param call the object itself tells one request from another, so it must be the request's own
   */
  billOf(call: LlmRequest['call'], error?: unknown): number
}

/** Adds up what is recorded: a reply that follows two failures only knows its own bill. */
export function createBilledCalls(inner: FailedCalls): BilledCalls {
  const bills = new WeakMap<LlmRequest['call'], number>()
  const counted = new WeakSet<ProviderFailure>()
  const add = (call: LlmRequest['call'], error: unknown) => {
    if (!(error instanceof ProviderFailure) || counted.has(error)) return
    counted.add(error)
    bills.set(call, (bills.get(call) ?? 0) + error.bill.costUsd)
  }
  return {
    record(request, error, startedAt) {
      add(request.call, error)
      return inner.record(request, error, startedAt)
    },
    billOf(call, error) {
      add(call, error)
      return bills.get(call) ?? 0
    },
  }
}
