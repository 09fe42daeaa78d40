import Anthropic, { APIConnectionTimeoutError, APIError, RetryableError } from '@anthropic-ai/sdk'
import type { Message, MessageCreateParamsNonStreaming, RawMessageStreamEvent } from '@anthropic-ai/sdk/resources/messages'
import { retryable, StepFailure } from '#shared/domain/failure.ts'
import { MODELS } from '#shared/domain/model-table.ts'
import type { Prices } from '#shared/domain/price.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Llm, LlmOptions, LlmReply, LlmRequest, LlmTier } from '#shared/ports/llm.ts'
import { type CallLimitOptions, type CallWatch, callLimits, READY_TIMEOUT_MS, watchCall, withoutWatchdog } from './call-watch.ts'
import { liveFetch, underWatch } from './live-fetch.ts'
import { failureOfVendor, isNetworkError, retryAfterMsOf } from './provider-failure.ts'
import { anthropicSchemaOf } from './reply-schema.ts'
import { type Arrival, billed, type CallFrame, newArrival, settleReply } from './settle-reply.ts'

export const ANTHROPIC_URL = 'https://api.anthropic.com'
export const ANTHROPIC_MODELS = MODELS.anthropic.tiers
const PROVIDER = 'anthropic'

export type AnthropicOptions = {
  readonly apiKey: string
  /** Without `/v1`: the SDK adds it. */
  readonly baseUrl?: string | undefined
  readonly models: Readonly<Record<LlmTier, string>>
  readonly prices: Prices
  readonly clock: Clock
  readonly limits?: CallLimitOptions
  /** Asks for whole replies when false; the watchdog then sees one long silence. */
  readonly stream?: boolean
}

/**
 * Anthropic's Messages API, with the system prompt as a cached prefix.
 * @throws TypeError when a model has no price
 */
export function createAnthropicLlm(options: AnthropicOptions): Llm {
  const { models, prices, clock, stream = true } = options
  prices.assertPriced([...new Set(Object.values(models))])
  const patience = callLimits(options.limits ?? {})
  const client = anthropicClient(options)

  return {
    async generate<T>(request: LlmRequest<T>, { signal, onDelta, limits = patience }: LlmOptions): Promise<LlmReply<T>> {
      const model = request.model ?? models[request.tier]
      const frame: CallFrame = { provider: PROVIDER, model, prices, clock, startedAt: clock.now(), usageRequired: true }
      const arrival = newArrival()
      const body = bodyOf(request, model)
      try {
        await watchCall(signal, stream ? limits : withoutWatchdog(limits), (watch) =>
          underWatch(watch, () =>
            stream ? readStream(client, body, watch, arrival, onDelta) : readWhole(client, body, watch, arrival, onDelta),
          ),
        )
      } catch (error) {
        if (signal.aborted) throw signal.reason
        const failure = failureOfAnthropic(error, clock.now(), arrival.events > 0)
        throw failure ? billed(failure, arrival, frame) : error
      }
      return settleReply(request, arrival, frame)
    },
    async ready() {
      try {
        await client.models.list({ limit: 1 }, { timeout: READY_TIMEOUT_MS })
        return { ok: true, detail: `${PROVIDER} answers` }
      } catch (error) {
        const failure = failureOfAnthropic(error, clock.now(), false)
        return { ok: false, detail: `${PROVIDER}: ${failure?.failure.code ?? 'defect'}` }
      }
    },
  }
}

/** The SDK without retries, spans of its own, or logging of what customers wrote. */
export function anthropicClient(options: { readonly apiKey: string; readonly baseUrl?: string | undefined }): Anthropic {
  const { apiKey, baseUrl } = options
  return new Anthropic({
    apiKey,
    baseURL: baseUrl ?? ANTHROPIC_URL,
    maxRetries: 0,
    fetch: liveFetch,
    openTelemetry: false,
    logLevel: 'off',
  })
}

/** What an error of the Anthropic SDK means to us; undefined when it is none of the provider's. */
export function failureOfAnthropic(error: unknown, now: Date, replyHadBegun: boolean): StepFailure | undefined {
  if (error instanceof StepFailure) return error
  if (error instanceof APIConnectionTimeoutError) return retryable('provider-stalled', error.message, undefined, error)
  if (error instanceof RetryableError) return retryable('provider-unavailable', error.message, undefined, error)
  if (error instanceof APIError) {
    const { status, type, message, headers } = error
    return failureOfVendor({ status, code: type ?? undefined, message, retryAfterMs: retryAfterMsOf(headers, now) }, error)
  }
  if (error instanceof SyntaxError) return retryable('provider-bad-reply', 'the reply is not JSON', undefined, error)
  if (!isNetworkError(error)) return undefined
  return replyHadBegun
    ? retryable('provider-truncated', 'the connection broke in the middle of the reply', undefined, error)
    : retryable('provider-unavailable', 'the connection broke before the reply', undefined, error)
}

type Body = Omit<MessageCreateParamsNonStreaming, 'stream'>

export function bodyOf(request: LlmRequest, model: string): Body {
  return {
    model,
    max_tokens: request.maxOutputTokens,
    system: [{ type: 'text', text: request.system, cache_control: { type: 'ephemeral', ttl: '5m' } }],
    messages: [...request.messages],
    output_config: { format: { type: 'json_schema', schema: { ...anthropicSchemaOf(request.schema.type) } } },
  }
}

async function readStream(client: Anthropic, body: Body, watch: CallWatch, arrival: Arrival, onDelta: LlmOptions['onDelta']) {
  const stream = await client.messages.create({ ...body, stream: true }, { signal: watch.signal })
  let reason: string | null = null
  for await (const event of stream) {
    arrival.events++
    if (event.type === 'message_delta') {
      reason = event.delta.stop_reason
      if (event.delta.stop_details) arrival.refusal = event.delta.stop_details.explanation ?? ''
    }
    // Only `message_stop` proves that the reply is whole; the reason alone may be followed by a broken connection.
    if (event.type === 'message_stop' && reason) arrival.stop = stopOf(reason)
    takeEvent(event, arrival, watch.signal.aborted ? undefined : onDelta)
  }
}

function takeEvent(event: RawMessageStreamEvent, arrival: Arrival, onDelta: LlmOptions['onDelta']) {
  if (event.type === 'message_start') takeUsage(event.message.usage, arrival)
  if (event.type === 'message_delta') takeUsage(event.usage, arrival)
  if (event.type !== 'content_block_delta' || event.delta.type !== 'text_delta') return
  arrival.text += event.delta.text
  onDelta?.({ kind: 'text', text: event.delta.text })
}

async function readWhole(client: Anthropic, body: Body, watch: CallWatch, arrival: Arrival, onDelta: LlmOptions['onDelta']) {
  const message = await client.messages.create({ ...body, stream: false }, { signal: watch.signal })
  takeMessage(message, arrival)
  if (arrival.text && !watch.signal.aborted) onDelta?.({ kind: 'text', text: arrival.text })
}

/** @param message as the server sent it, which may be nothing at all */
export function takeMessage(message: Partial<Message> | undefined, arrival: Arrival) {
  if (!message || typeof message !== 'object') return
  arrival.events++
  takeUsage(message.usage, arrival)
  arrival.text = (message.content ?? []).map((block) => (block.type === 'text' ? block.text : '')).join('')
  if (message.stop_details) arrival.refusal = message.stop_details.explanation ?? ''
  if (message.stop_reason) arrival.stop = stopOf(message.stop_reason)
}

function stopOf(reason: string): NonNullable<Arrival['stop']> {
  if (reason === 'end_turn') return 'complete'
  if (reason === 'max_tokens' || reason === 'model_context_window_exceeded') return 'cut-off'
  return reason === 'refusal' ? 'refused' : `odd:${reason}`
}

type Counters = {
  readonly input_tokens: number | null
  readonly output_tokens: number
  readonly cache_creation_input_tokens: number | null
  readonly cache_read_input_tokens: number | null
}

/** Anthropic counts cached input apart, we count it in; later events repeat the running totals or leave them out. */
function takeUsage(counters: Counters | undefined, arrival: Arrival) {
  if (!counters) return
  const before = arrival.usage
  const cacheReadTokens = counters.cache_read_input_tokens ?? before?.cacheReadTokens ?? 0
  const cacheWriteTokens = counters.cache_creation_input_tokens ?? before?.cacheWriteTokens ?? 0
  const freshBefore = before ? before.inputTokens - before.cacheReadTokens - before.cacheWriteTokens : 0
  const inputTokens = (counters.input_tokens ?? freshBefore) + cacheReadTokens + cacheWriteTokens
  arrival.usage = { inputTokens, outputTokens: counters.output_tokens, cacheReadTokens, cacheWriteTokens }
}
