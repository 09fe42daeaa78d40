import { type Failure, terminal } from '#shared/domain/failure.ts'
import type { Prices } from '#shared/domain/price.ts'
import type { PlannedCall } from '#shared/domain/routing.ts'
import type { BatchProvider } from '#shared/ports/batch-provider.ts'
import type { Journal } from '#shared/ports/journal.ts'
import type { Llm, LlmRequest } from '#shared/ports/llm.ts'
import { journalHeadOf, orUnavailable } from './failed-calls.ts'
import { isOffline, type OfflineParts, offlineState, spillOffline } from './offline-call.ts'
import { parseReply } from './settle-reply.ts'

export type OfflineOptions = OfflineParts & {
  readonly journal: Pick<Journal, 'find'>
  readonly prices: Prices
  readonly providers: readonly BatchProvider[]
  /** The models that a request would be asked of, the first one first. */
  readonly plan: (request: LlmRequest) => readonly PlannedCall[]
}

/**
 * More than any model in use reads at once. What is longer would be refused a day later, line by line; so it is refused now.
 */
const MAX_INPUT_TOKENS = 400_000
/** A rule of thumb to add up what waits. */
const BYTES_PER_TOKEN = 4
/** What is held is more than any prompt of that size takes. */
const HOLD_FACTOR = 2

/**
 * Lets the calls of runs in the offline lane wait for a provider batch: answers from the journal, else records the request and parks the run.
 * What no batch can bring in time, what a batch could not answer, and every other lane goes on to `inner`, synchronously and within
 * its budget. The reply's shape is checked here: one that does not fit is asked again, synchronously.
 * @throws Parked, `input-too-long` (terminal), a refusal that a batch brought (needs a person), and what `inner` throws
 */
export function createOfflineLlm(inner: Llm, options: OfflineOptions): Llm {
  const byName = new Map(options.providers.map((provider) => [provider.name, provider]))

  /** Only the model that would be asked first: the half price of another one is no bargain. */
  function batchOf(request: LlmRequest): { provider: BatchProvider; model: string } | undefined {
    const first = options.plan(request)[0]
    const provider = first && byName.get(first.provider)
    return provider && { provider, model: first.model }
  }

  return {
    async generate(request, callOptions) {
      callOptions.signal.throwIfAborted()
      const batch = isOffline(request.call) ? batchOf(request) : undefined
      if (!batch) return inner.generate(request, callOptions)
      const head = journalHeadOf(request)
      const call = { ...head, ...callOf(request, batch, options.prices, options.clock.now()) }
      if ((await offlineState(call, options)) === 'now') return inner.generate(request, callOptions)
      const known = await orUnavailable(options.journal.find(head.key))
      const value = known && parseReply(request.schema.type, known.result.text)
      if (known && value && 'value' in value) {
        const { provider, model, usage, costUsd, latencyMs } = known
        callOptions.onDelta?.({ kind: 'text', text: known.result.text })
        return { ...value, text: known.result.text, provider, model, usage, costUsd, latencyMs, fromJournal: true }
      }
      await spillOffline(head.key, badReply(value && 'problem' in value ? value.problem : undefined), options)
      return inner.generate(request, callOptions)
    },
    ready: () => inner.ready(),
  }
}

function callOf(request: LlmRequest, { provider, model }: { provider: BatchProvider; model: string }, prices: Prices, now: Date) {
  const { customerTier, conversationId, deadlineAt } = request.call
  const prepared = provider.prepare(request, model)
  const inputTokens = Math.ceil(Buffer.byteLength(prepared.body) / BYTES_PER_TOKEN)
  if (inputTokens > MAX_INPUT_TOKENS)
    throw terminal('input-too-long', `about ${inputTokens} tokens; at most ${MAX_INPUT_TOKENS} can be asked at once`)
  const heldTokens = HOLD_FACTOR * inputTokens
  const usage = {
    inputTokens: heldTokens,
    outputTokens: request.maxOutputTokens,
    cacheReadTokens: 0,
    cacheWriteTokens: heldTokens,
  }
  return {
    provider: provider.name,
    model,
    inputTokens,
    worstUsd: prices.costUsd(model, usage, now, { batch: true }),
    deadlineAt,
    ...(customerTier && { customerTier }),
    ...(conversationId && { conversationId }),
    prepare: () => prepared,
  }
}

const badReply = (problem = 'the journal does not hold the reply'): Failure => ({
  kind: 'retryable',
  code: 'provider-bad-reply',
  message: problem,
})
