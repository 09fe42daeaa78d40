import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ANTHROPIC_MODELS, type AnthropicOptions, createAnthropicLlm } from '#shared/adapters/models/llm.anthropic.ts'
import { createPrices } from '#shared/domain/price.ts'
import { draftRequest, failureFrom, llmContract } from '#test/contracts/llm.contract.ts'
import { Fault } from '#test/simulator/faults.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'

const clock = { now: () => new Date(), random: Math.random }
const prices = createPrices()

async function againstSimulator(over: Partial<AnthropicOptions> = {}) {
  const simulator = await startSimulator({ seed: 7 })
  const llm = createAnthropicLlm({
    apiKey: 'simulated',
    baseUrl: simulator.url,
    models: ANTHROPIC_MODELS,
    prices,
    clock,
    limits: { idleMs: 1_000, firstMs: 2_000, deadlineMs: 20_000 },
    ...over,
  })
  const strike = (fault: Fault, retryAfterSeconds?: number) =>
    simulator.setFaults([{ fault, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }])
  return { llm, strike, calm: () => simulator.setFaults([]), close: simulator.close }
}

llmContract('Anthropic, streaming, on the simulator', () => againstSimulator(), { faults: Fault.options, streams: true })
llmContract(
  'Anthropic, whole replies, on the simulator',
  () => againstSimulator({ stream: false, limits: { deadlineMs: 2_500 } }),
  { faults: Fault.options.filter((fault) => fault !== 'slow' && fault !== 'thinking'), streams: false },
)

describe('the Anthropic adapter', () => {
  let simulator: Simulator
  beforeAll(async () => {
    simulator = await startSimulator()
  })
  afterAll(() => simulator.close())
  const create = (over: Partial<AnthropicOptions> = {}) =>
    createAnthropicLlm({ apiKey: 'simulated', baseUrl: simulator.url, models: ANTHROPIC_MODELS, prices, clock, ...over })
  const signal = new AbortController().signal

  it('counts written, read and fresh input together and prices each apart, as the provider does', async () => {
    const llm = create()
    const before = simulator.meter()
    const request = draftRequest({ system: 'Cite what you say. '.repeat(400) })
    const first = await llm.generate(request, { signal })
    const second = await llm.generate(request, { signal })
    expect(first.usage.cacheWriteTokens).toBeGreaterThan(1_024)
    expect(second.usage.cacheReadTokens).toBe(first.usage.cacheWriteTokens)
    expect(second.usage.inputTokens).toBe(first.usage.inputTokens)
    expect(first.costUsd + second.costUsd).toBeCloseTo(simulator.meter().costUsd - before.costUsd, 12)
  })

  it('does not take a stop reason for a whole reply before the message has stopped', async () => {
    const [start, delta] = [
      { type: 'message_start', message: { usage: { input_tokens: 9, output_tokens: 1 }, content: [] } },
      {
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'text_delta', text: '{"answerable":false,"sentences":[],"followUps":[]}' },
      },
    ]
    const end = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 12 } }
    const { createServer } = await import('node:http')
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end([start, delta, end].map((event) => `event: ${event!.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''))
    })
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    )
    const work = create({ baseUrl: `http://127.0.0.1:${port}` }).generate(draftRequest(), { signal })
    expect(await failureFrom(work)).toMatchObject({ kind: 'retryable', code: 'provider-truncated' })
    server.closeAllConnections()
    server.close()
  })

  it('sends a request that the strict simulator finds no fault with', async () => {
    const rejectedBefore = simulator.meter().rejected
    await create().generate(draftRequest(), { signal })
    expect(simulator.meter().rejected).toBe(rejectedBefore)
  })
})
