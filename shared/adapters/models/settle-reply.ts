import { needsPerson, retryable, type StepFailure } from '#shared/domain/failure.ts'
import type { Prices } from '#shared/domain/price.ts'
import { NO_USAGE, type Usage } from '#shared/domain/usage.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { LlmReply, LlmRequest } from '#shared/ports/llm.ts'
import { type Bill, ProviderFailure } from './provider-failure.ts'

/** What has arrived of a reply so far; kept outside the reader, so that a broken reply still has its text and its bill. */
export type Arrival = {
  text: string
  /** Events or bytes that arrived, whether or not they carried text. */
  events: number
  usage: Usage | undefined
  refusal: string | undefined
  /** Why the model stopped, in our words; `undefined` until the provider said so. */
  stop: 'complete' | 'cut-off' | 'refused' | `odd:${string}` | undefined
}
export const newArrival = (): Arrival => ({ text: '', events: 0, usage: undefined, refusal: undefined, stop: undefined })

export type CallFrame = {
  readonly provider: string
  readonly model: string
  readonly prices: Prices
  readonly clock: Clock
  readonly startedAt: Date
  /** Some local servers count no tokens; a provider that charges must. */
  readonly usageRequired: boolean
  /** Through the provider's batch API, at half the price. */
  readonly batch?: boolean
}

export function billOf(arrival: Arrival, frame: CallFrame): Bill {
  const usage = arrival.usage ?? NO_USAGE
  const { provider, model, prices, startedAt, batch = false } = frame
  return { provider, model, usage, costUsd: prices.costUsd(model, usage, startedAt, { batch }) }
}

export function billed(failure: StepFailure, arrival: Arrival, frame: CallFrame): ProviderFailure {
  return new ProviderFailure(failure.failure, billOf(arrival, frame), failure.cause)
}

/**
 * The reply, once everything has arrived.
 * @throws ProviderFailure when what arrived is no complete, schema-valid reply
 */
export function settleReply<T>(request: LlmRequest<T>, arrival: Arrival, frame: CallFrame): LlmReply<T> {
  const failure = stopFailure(arrival, frame)
  if (failure) throw billed(failure, arrival, frame)
  const parsed = parseReply(request.schema.type, arrival.text)
  if ('problem' in parsed) throw billed(retryable('provider-bad-reply', parsed.problem), arrival, frame)
  return {
    value: parsed.value,
    text: arrival.text,
    ...billOf(arrival, frame),
    latencyMs: Math.max(0, frame.clock.now().getTime() - frame.startedAt.getTime()),
    fromJournal: false,
  }
}

/** Why what arrived is no reply; undefined when it is complete. Its shape is another matter. */
export function stopFailure({ stop, refusal, events, text, usage }: Arrival, frame: CallFrame): StepFailure | undefined {
  if (refusal !== undefined || stop === 'refused')
    return needsPerson('provider-refused', refusal || 'the model declined to answer')
  if (events === 0) return retryable('provider-bad-reply', 'the reply is empty')
  if (stop === undefined && text === '') return retryable('provider-bad-reply', 'the reply holds no choice and no text')
  if (stop === undefined) return retryable('provider-truncated', `the reply ended after ${text.length} characters without a stop`)
  if (stop === 'cut-off') return retryable('provider-cut-off', `the reply did not fit: stopped after ${text.length} characters`)
  if (stop !== 'complete') return retryable('provider-bad-reply', `the model stopped for "${stop.slice(4)}"`)
  if (usage === undefined && frame.usageRequired) return retryable('provider-bad-reply', 'the reply says nothing about its usage')
  return undefined
}

/** Parses JSON text with a schema. Small local models like to fence their JSON, which is forgiven. */
export function parseReply<T>(schema: LlmRequest<T>['schema']['type'], text: string): { value: T } | { problem: string } {
  let json: unknown
  try {
    json = JSON.parse(withoutFence(text))
  } catch (error) {
    return { problem: `the reply is not JSON: ${(error as Error).name} after ${text.length} characters` }
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return { value: parsed.data }
  const issues = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'reply'}: ${issue.code}`)
  return { problem: `the reply has another shape: ${issues.join('; ')}` }
}

function withoutFence(text: string): string {
  const trimmed = text.trim()
  if (!trimmed.startsWith('```') || !trimmed.endsWith('```')) return trimmed
  const firstLine = trimmed.indexOf('\n')
  return firstLine < 0 ? trimmed : trimmed.slice(firstLine + 1, -3)
}
