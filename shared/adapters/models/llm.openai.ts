import OpenAI, { APIConnectionTimeoutError, APIError } from 'openai'
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParamsNonStreaming,
} from 'openai/resources/chat/completions'
import { retryable, StepFailure } from '#shared/domain/failure.ts'
import { MODELS } from '#shared/domain/model-table.ts'
import type { Prices } from '#shared/domain/price.ts'
import type { Usage } from '#shared/domain/usage.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Llm, LlmOptions, LlmReply, LlmRequest, LlmTier } from '#shared/ports/llm.ts'
import { type CallLimitOptions, type CallWatch, callLimits, READY_TIMEOUT_MS, watchCall, withoutWatchdog } from './call-watch.ts'
import { liveFetch, underWatch } from './live-fetch.ts'
import { failureOfVendor, isNetworkError, retryAfterMsOf } from './provider-failure.ts'
import { plainSchemaOf, strictSchemaOf } from './reply-schema.ts'
import { type Arrival, billed, type CallFrame, newArrival, settleReply } from './settle-reply.ts'
import type { SseMessage } from './sse-messages.ts'
import { readMessages, streamingFetch } from './streaming-fetch.ts'

export const OPENAI_URL = 'https://api.openai.com/v1'
export const OPENAI_MODELS = MODELS.openai.tiers

/** Chat Completions is spoken by many servers, each with an accent. */
export type OpenAiDialect = {
  readonly maxTokensField: 'max_completion_tokens' | 'max_tokens'
  /** How the server is told the shape of its reply; a server without `json_schema` reads the schema in the prompt. */
  readonly structuredOutput: 'json_schema' | 'json_object' | 'prompt'
  readonly usage: 'required' | 'optional'
  readonly promptCacheKey: boolean
  /** Streaming is what the watchdog lives on; only a server that cannot stream should be asked for whole replies. */
  readonly stream: boolean
}
export const OPENAI_DIALECT: OpenAiDialect = {
  maxTokensField: 'max_completion_tokens',
  structuredOutput: 'json_schema',
  usage: 'required',
  promptCacheKey: true,
  stream: true,
}
/** What vLLM, llama.cpp and Ollama have in common. */
export const LOCAL_DIALECT: OpenAiDialect = {
  ...OPENAI_DIALECT,
  maxTokensField: 'max_tokens',
  usage: 'optional',
  promptCacheKey: false,
}

export type OpenAiOptions = {
  readonly apiKey: string
  /** Up to and including `/v1`. */
  readonly baseUrl?: string | undefined
  readonly provider: 'openai' | 'local'
  readonly models: Readonly<Record<LlmTier, string>>
  readonly prices: Prices
  readonly clock: Clock
  readonly limits?: CallLimitOptions
  /** What differs from the provider's usual dialect. */
  readonly dialect?: Partial<OpenAiDialect>
}

/**
 * Any server that speaks OpenAI's Chat Completions. Retries are the engine's business, so the SDK makes none.
 * @throws TypeError when a model has no price
 */
export function createOpenAiLlm(options: OpenAiOptions): Llm {
  const { provider, models, prices, clock } = options
  prices.assertPriced([...new Set(Object.values(models))])
  const dialect: OpenAiDialect = { ...(provider === 'openai' ? OPENAI_DIALECT : LOCAL_DIALECT), ...options.dialect }
  const patience = callLimits(options.limits ?? {})
  const client = openAiClient(options)
  const streaming = client.withOptions({ fetch: streamingFetch })

  return {
    async generate<T>(request: LlmRequest<T>, { signal, onDelta, limits = patience }: LlmOptions): Promise<LlmReply<T>> {
      const usageRequired = dialect.usage === 'required'
      const frame: CallFrame = {
        provider,
        model: request.model ?? models[request.tier],
        prices,
        clock,
        startedAt: clock.now(),
        usageRequired,
      }
      const arrival = newArrival()
      const body = bodyOf(request, frame.model, dialect)
      try {
        await watchCall(signal, dialect.stream ? limits : withoutWatchdog(limits), (watch) =>
          dialect.stream
            ? readStream(streaming, body, watch, arrival, onDelta)
            : underWatch(watch, () => readWhole(client, body, watch, arrival, onDelta)),
        )
      } catch (error) {
        if (signal.aborted) throw signal.reason
        const failure = failureOfOpenAi(error, clock.now(), arrival.events > 0)
        throw failure ? billed(failure, arrival, frame) : error
      }
      return settleReply(request, arrival, frame)
    },
    async ready() {
      try {
        await client.models.list({ timeout: READY_TIMEOUT_MS })
        return { ok: true, detail: `${provider} answers` }
      } catch (error) {
        const failure = failureOfOpenAi(error, clock.now(), false)
        return { ok: false, detail: `${provider}: ${failure?.failure.code ?? 'defect'}` }
      }
    },
  }
}

/** The SDK without retries, without its own reading of the environment, and without logging what customers wrote. */
export function openAiClient(options: { readonly apiKey: string; readonly baseUrl?: string | undefined }): OpenAI {
  const { apiKey, baseUrl } = options
  const baseURL = baseUrl ?? OPENAI_URL
  return new OpenAI({
    apiKey,
    baseURL,
    adminAPIKey: null,
    organization: null,
    project: null,
    maxRetries: 0,
    fetch: liveFetch,
    logLevel: 'off',
  })
}

/** What an error of the OpenAI SDK means to us; undefined when it is none of the provider's. */
export function failureOfOpenAi(error: unknown, now: Date, replyHadBegun: boolean): StepFailure | undefined {
  if (error instanceof StepFailure) return error
  if (error instanceof APIConnectionTimeoutError) return retryable('provider-stalled', error.message, undefined, error)
  if (error instanceof APIError) {
    const { status, message, headers } = error
    return failureOfVendor({ status, code: error.code ?? error.type, message, retryAfterMs: retryAfterMsOf(headers, now) }, error)
  }
  if (error instanceof SyntaxError) return retryable('provider-bad-reply', 'the reply is not JSON', undefined, error)
  if (!isNetworkError(error)) return undefined
  return replyHadBegun
    ? retryable('provider-truncated', 'the connection broke in the middle of the reply', undefined, error)
    : retryable('provider-unavailable', 'the connection broke before the reply', undefined, error)
}

type Body = Omit<ChatCompletionCreateParamsNonStreaming, 'stream'>

export function bodyOf(request: LlmRequest, model: string, dialect: OpenAiDialect): Body {
  const { schema, prompt } = request
  const inPrompt = dialect.structuredOutput !== 'json_schema'
  const system = inPrompt ? `${request.system}\n\n${schemaInWords(request)}` : request.system
  return {
    model,
    messages: [{ role: 'system', content: system }, ...request.messages],
    [dialect.maxTokensField]: request.maxOutputTokens,
    ...(dialect.structuredOutput === 'json_schema' && {
      response_format: {
        type: 'json_schema',
        json_schema: { name: schema.name, strict: true, schema: strictSchemaOf(schema.type) },
      },
    }),
    ...(dialect.structuredOutput === 'json_object' && { response_format: { type: 'json_object' } }),
    // Requests with one prefix find one cache: https://developers.openai.com/api/docs/guides/prompt-caching
    ...(dialect.promptCacheKey && { prompt_cache_key: `${prompt.id}:${prompt.version}` }),
  }
}

const schemaInWords = ({ schema }: LlmRequest) =>
  `Reply with one JSON object and nothing else. It has this JSON Schema:\n<json_schema>${JSON.stringify(plainSchemaOf(schema.type))}</json_schema>`

/** The SDK sends the request and judges its status; its own reading of a stream goes through six generators for every token. */
async function readStream(client: OpenAI, body: Body, watch: CallWatch, arrival: Arrival, onDelta: LlmOptions['onDelta']) {
  const { signal, alive } = watch
  const asked = client.chat.completions.create(
    { ...body, stream: true, stream_options: { include_usage: true } },
    { signal: watch.signal },
  )
  const response = await asked.asResponse()
  const onMessage = ({ event, data }: SseMessage): boolean => {
    if (data === '[DONE]') return true
    takeChunk(chunkIn(event, data, response.headers), arrival, signal.aborted ? undefined : onDelta)
    return false
  }
  await readMessages(response, { signal, onBytes: alive, onMessage })
}

/** @throws APIError for an error that comes as an event, SyntaxError for what is no chunk */
function chunkIn(event: string, data: string, headers: Headers): Partial<ChatCompletionChunk> {
  const json: unknown = JSON.parse(data)
  if (typeof json !== 'object' || json === null) throw new SyntaxError('an event of the stream is no object')
  const { error } = json as { readonly error?: object }
  if (event === 'error' || error) throw new APIError(undefined, error ?? json, undefined, headers)
  return json
}

function takeChunk(chunk: Partial<ChatCompletionChunk>, arrival: Arrival, onDelta: LlmOptions['onDelta']) {
  arrival.events++
  if (chunk.usage) arrival.usage = usageOf(chunk.usage)
  const choice = chunk.choices?.[0]
  if (!choice) return
  if (choice.delta?.refusal) arrival.refusal = (arrival.refusal ?? '') + choice.delta.refusal
  if (choice.finish_reason) arrival.stop = stopOf(choice.finish_reason)
  if (!choice.delta?.content) return
  arrival.text += choice.delta.content
  onDelta?.({ kind: 'text', text: choice.delta.content })
}

async function readWhole(client: OpenAI, body: Body, watch: CallWatch, arrival: Arrival, onDelta: LlmOptions['onDelta']) {
  const completion = await client.chat.completions.create({ ...body, stream: false }, { signal: watch.signal })
  takeCompletion(completion, arrival)
  if (arrival.text && !watch.signal.aborted) onDelta?.({ kind: 'text', text: arrival.text })
}

/** @param completion as the server sent it, which may be nothing at all */
export function takeCompletion(completion: Partial<ChatCompletion> | undefined, arrival: Arrival) {
  if (!completion || typeof completion !== 'object') return
  arrival.events++
  if (completion.usage) arrival.usage = usageOf(completion.usage)
  const choice = completion.choices?.[0]
  if (!choice) return
  arrival.text = choice.message?.content ?? ''
  if (choice.message?.refusal) arrival.refusal = choice.message.refusal
  if (choice.finish_reason) arrival.stop = stopOf(choice.finish_reason)
}

function stopOf(reason: string): NonNullable<Arrival['stop']> {
  if (reason === 'stop') return 'complete'
  if (reason === 'length') return 'cut-off'
  return reason === 'content_filter' ? 'refused' : `odd:${reason}`
}

function usageOf(usage: OpenAI.CompletionUsage): Usage {
  return {
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    cacheReadTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    cacheWriteTokens: usage.prompt_tokens_details?.cache_write_tokens ?? 0,
  }
}
