import { LLMock } from '@copilotkit/aimock'
import { createOpenAiLlm, OPENAI_MODELS } from '#shared/adapters/models/llm.openai.ts'
import { createPrices } from '#shared/domain/price.ts'
import { llmContract, REFUND_SENTENCE } from '#test/contracts/llm.contract.ts'
import type { Fault } from '#test/simulator/faults.ts'

const DRAFT = JSON.stringify({ answerable: true, sentences: [{ text: REFUND_SENTENCE, citations: [2] }], followUps: [] })
const INTENT = JSON.stringify({ intent: 'refund_request', confidence: 0.9 })

/** A provider that somebody else simulated: it keeps our adapter from agreeing with our own simulator only. */
async function againstAimock() {
  const mock = new LLMock({ port: 0, logLevel: 'silent' })
  await mock.start()
  let nextCut: 'half' | 'drop' | 'stall' | undefined
  const cutOptions = () => {
    const cut = nextCut
    nextCut = undefined
    if (cut === 'half') return { truncateAfterChunks: 3 }
    if (cut === 'drop') return { latency: 50, disconnectAfterMs: 200 }
    return cut === 'stall' ? { latency: 60_000 } : {}
  }
  const program = (options: object) => {
    mock.clearFixtures()
    mock.onMessage(/When are refunds/, { content: DRAFT }, options)
    mock.onMessage(/request a refund/, { content: INTENT }, options)
  }
  program({})
  const strike = (fault: Fault, retryAfterSeconds = 1) => {
    if (fault === '429') return void mock.nextRequestError(429, { message: 'Rate limited', type: 'rate_limit_error' })
    if (fault === '500') return void mock.nextRequestError(500, { message: 'Server error', type: 'server_error' })
    void retryAfterSeconds
    nextCut = fault as typeof nextCut
    program(cutOptions())
  }
  const llm = createOpenAiLlm({
    apiKey: 'mock',
    baseUrl: `${mock.url}/v1`,
    provider: 'openai',
    models: OPENAI_MODELS,
    prices: createPrices(),
    clock: { now: () => new Date(), random: Math.random },
    limits: { idleMs: 1_000, firstMs: 2_000, deadlineMs: 20_000 },
  })
  return { llm, strike, calm: () => program({}), close: () => mock.stop() }
}

llmContract('OpenAI, streaming, on aimock', againstAimock, { faults: ['500'], streams: true })
