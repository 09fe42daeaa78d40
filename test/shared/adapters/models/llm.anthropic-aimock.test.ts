import { LLMock } from '@copilotkit/aimock'
import { ANTHROPIC_MODELS, createAnthropicLlm } from '#shared/adapters/models/llm.anthropic.ts'
import { createPrices } from '#shared/domain/price.ts'
import { llmContract, REFUND_SENTENCE } from '#test/contracts/llm.contract.ts'
import type { Fault } from '#test/simulator/faults.ts'

const DRAFT = JSON.stringify({ answerable: true, sentences: [{ text: REFUND_SENTENCE, citations: [2] }], followUps: [] })
const INTENT = JSON.stringify({ intent: 'refund_request', confidence: 0.9 })

/** How aimock shows our faults: options of a fixture that matches once. */
const INTERRUPTIONS: Readonly<Partial<Record<Fault, object>>> = {
  // It ends a truncated stream by breaking the socket, which is our `drop`; it has no clean end in the middle.
  drop: { truncateAfterChunks: 6, latency: 50 },
  stall: { streamingProfile: { ttft: 1, tps: 0.01 } },
  broken_json: { response: { content: DRAFT.slice(0, 40) } },
  wrong_schema: { response: { content: '{"unexpected":["shape"]}' } },
  cut_off: { response: { content: DRAFT.slice(0, 40), finishReason: 'length' } },
}
const ERRORS: Readonly<Partial<Record<Fault, { status: number; type: string }>>> = {
  '429': { status: 429, type: 'rate_limit_error' },
  '500': { status: 500, type: 'api_error' },
  '529': { status: 529, type: 'overloaded_error' },
}

/** A provider that somebody else simulated: it keeps our adapter from agreeing with our own simulator only. */
async function againstAimock() {
  const mock = new LLMock({ port: 0, logLevel: 'silent' })
  // It counts no tokens of its own on this API.
  const usage = { input_tokens: 120, output_tokens: 30 }
  mock.onMessage(/When are refunds/, { content: DRAFT, usage })
  mock.onMessage(/request a refund/, { content: INTENT, usage })
  await mock.start()
  const strike = (fault: Fault, retryAfterSeconds?: number) => {
    let armed = true
    const predicate = () => {
      const matches = armed
      armed = false
      return matches
    }
    const { status, type } = ERRORS[fault] ?? {}
    const retryAfter = retryAfterSeconds === undefined ? {} : { retryAfter: retryAfterSeconds }
    const response = status ? { error: { message: 'simulated', type: type! }, status, ...retryAfter } : { content: DRAFT }
    mock.prependFixture({ match: { predicate }, response, ...INTERRUPTIONS[fault] })
  }
  const llm = createAnthropicLlm({
    apiKey: 'mock',
    baseUrl: mock.url,
    models: ANTHROPIC_MODELS,
    prices: createPrices(),
    clock: { now: () => new Date(), random: Math.random },
    limits: { idleMs: 1_000, firstMs: 2_000, deadlineMs: 20_000 },
  })
  return { llm, strike, calm: () => {}, close: () => mock.stop() }
}

llmContract('Anthropic, streaming, on aimock', againstAimock, {
  faults: ['429', '500', '529', 'drop', 'stall', 'broken_json', 'wrong_schema', 'cut_off'],
  streams: true,
})
