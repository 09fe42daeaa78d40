import type { Provider } from '#shared/domain/model-table.ts'
import type { Prices } from '#shared/domain/price.ts'
import type { PlannedCall } from '#shared/domain/routing.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { LlmRequest } from '#shared/ports/llm.ts'
import { countTokens } from '#shared/text/count-tokens.ts'
import { plainSchemaOf } from './reply-schema.ts'

/** What frames a prompt: roles, separators, the provider's own words about the format of the reply. */
const FRAME_TOKENS = 400
const MESSAGE_TOKENS = 16
/** By how much a provider's count may exceed ours: Anthropic has a tokenizer of its own, for which o200k is an estimate. */
const COUNT_MARGIN: Readonly<Record<Provider, number>> = { openai: 1.05, anthropic: 1.5, local: 1.5, extractive: 1 }

export type TokenBound = 'bytes' | 'tokenizer'

/**
 * The most a request can cost at the dearest model it may be asked of: its whole prompt written to the provider's cache, and as much output as
 * it allows.
 * @param bound `bytes`: no tokenizer makes more tokens than there are bytes, which costs microseconds to know; `tokenizer`: a
 * count with a margin, about a millisecond for a long prompt
 * @returns US dollars; 0 when nobody who takes money would be asked
 */
export function worstCaseUsd(
  request: LlmRequest,
  calls: readonly PlannedCall[],
  { prices, at, bound }: { readonly prices: Prices; readonly at: Date; readonly bound: TokenBound },
): number {
  const charged = calls.filter(({ provider }) => provider !== 'extractive')
  if (charged.length === 0) return 0
  const tokens = promptTokens(request, bound)
  const costs = charged.map(({ provider, model }) => {
    const inputTokens = Math.ceil(bound === 'bytes' ? tokens : tokens * COUNT_MARGIN[provider])
    const outputTokens = request.maxOutputTokens
    // No provider asks more for a token that it reads from its cache than for one that it writes there.
    const fresh = prices.costUsd(model, { ...NO_USAGE, inputTokens, outputTokens }, at)
    return Math.max(
      fresh,
      prices.costUsd(model, { inputTokens, outputTokens, cacheReadTokens: 0, cacheWriteTokens: inputTokens }, at),
    )
  })
  return Math.max(...costs)
}

/** What a model bills for reading a request that was given up on: counted, not told. A model that is not in the table is one's own. */
export function inputBill(request: LlmRequest, model: string, prices: Prices, at: Date) {
  const usage = { ...NO_USAGE, inputTokens: promptTokens(request, 'tokenizer') }
  return { usage, costUsd: prices.costUsd(model, usage, at) }
}

function promptTokens({ system, messages, schema }: LlmRequest, bound: TokenBound): number {
  const count = bound === 'bytes' ? Buffer.byteLength : countTokens
  const said = messages.reduce((sum, { content }) => sum + MESSAGE_TOKENS + count(content), 0)
  return FRAME_TOKENS + count(system) + said + count(JSON.stringify(plainSchemaOf(schema.type)))
}
