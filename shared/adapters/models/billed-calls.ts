import { NO_USAGE } from '#shared/domain/usage.ts'
import type { LlmRequest } from '#shared/ports/llm.ts'
import type { FailedCalls } from './failed-calls.ts'
import { type Bill, ProviderFailure } from './provider-failure.ts'

export type BilledCalls = FailedCalls & {
  /**
   * What the failures under one request were billed: those that a fallback got over, and the one it ended with.
   * @param call the object itself tells one request from another, so it must be the request's own
   */
  billOf(call: LlmRequest['call'], error?: unknown): number
}

/** The provider was at work when we gave up: it bills what it read, and has not told us. */
const GIVEN_UP = new Set(['provider-stalled', 'provider-truncated'])

/**
 * Adds up what is recorded: a reply that follows two failures only knows its own bill. A call that was given up on without a
 * bill is booked at the input it sent.
 * @param inputBill what a model bills for reading a request, as an estimate
 */
export function createBilledCalls(
  inner: FailedCalls,
  inputBill: (request: LlmRequest, model: string) => Pick<Bill, 'usage' | 'costUsd'> = () => ({ usage: NO_USAGE, costUsd: 0 }),
): BilledCalls {
  const bills = new WeakMap<LlmRequest['call'], number>()
  const booked = new WeakMap<ProviderFailure, ProviderFailure>()
  const book = (call: LlmRequest['call'], error: ProviderFailure, request?: LlmRequest): ProviderFailure => {
    const known = booked.get(error)
    if (known) return known
    const unbilled = GIVEN_UP.has(error.failure.code) && error.bill.usage.inputTokens === 0
    const bill = unbilled && request ? { ...error.bill, ...inputBill(request, error.bill.model) } : error.bill
    const told = bill === error.bill ? error : new ProviderFailure(error.failure, bill, error.cause)
    booked.set(error, told)
    bills.set(call, (bills.get(call) ?? 0) + bill.costUsd)
    return told
  }
  return {
    record: (request, error, startedAt) =>
      inner.record(request, error instanceof ProviderFailure ? book(request.call, error, request) : error, startedAt),
    billOf(call, error) {
      if (error instanceof ProviderFailure) book(call, error)
      return bills.get(call) ?? 0
    },
  }
}
