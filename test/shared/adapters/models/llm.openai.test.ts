import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOpenAiLlm, OPENAI_MODELS, type OpenAiOptions } from '#shared/adapters/models/llm.openai.ts'
import { ProviderFailure } from '#shared/adapters/models/provider-failure.ts'
import { createPrices, freeOfCharge } from '#shared/domain/price.ts'
import { draftRequest, failureFrom, llmContract } from '#test/contracts/llm.contract.ts'
import { Fault } from '#test/simulator/faults.ts'
import { type Simulator, startSimulator, WRONG_KEY } from '#test/simulator/simulator.ts'

const clock = { now: () => new Date(), random: Math.random }
const prices = createPrices()
const local = { provider: 'local', prices: createPrices([freeOfCharge('local-model')]) } as const
const localModels = { cheap: 'local-model', standard: 'local-model', premium: 'local-model' }

async function againstSimulator(over: Partial<OpenAiOptions> = {}) {
  const simulator = await startSimulator({ seed: 7 })
  const llm = createOpenAiLlm({
    apiKey: 'simulated',
    baseUrl: `${simulator.url}/v1`,
    provider: 'openai',
    models: OPENAI_MODELS,
    prices,
    clock,
    limits: { idleMs: 1_000, firstMs: 2_000, deadlineMs: 20_000 },
    ...over,
  })
  const strike = (fault: Fault, retryAfterSeconds?: number) =>
    simulator.setFaults([{ fault, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }])
  return { llm, strike, calm: () => simulator.setFaults([]), close: simulator.close }
}

llmContract('OpenAI, streaming, on the simulator', () => againstSimulator(), { faults: Fault.options, streams: true })
llmContract(
  'OpenAI, whole replies, on the simulator',
  () => againstSimulator({ dialect: { stream: false }, limits: { deadlineMs: 2_500 } }),
  { faults: Fault.options.filter((fault) => fault !== 'slow' && fault !== 'thinking'), streams: false },
)
llmContract('a local server with JSON schemas, on the simulator', () => againstSimulator({ ...local, models: localModels }), {
  faults: ['half', 'stall', 'broken_json', 'wrong_schema', '500'],
  streams: true,
})
llmContract(
  'a local server that reads the schema in the prompt, on the simulator',
  () => againstSimulator({ ...local, models: localModels, dialect: { structuredOutput: 'json_object' } }),
  { faults: ['half', 'broken_json', '429'], streams: true },
)

describe('the OpenAI adapter', () => {
  let simulator: Simulator
  beforeAll(async () => {
    simulator = await startSimulator()
  })
  afterAll(() => simulator.close())
  const create = (over: Partial<OpenAiOptions> = {}) =>
    createOpenAiLlm({
      apiKey: 'simulated',
      baseUrl: `${simulator.url}/v1`,
      provider: 'openai',
      models: OPENAI_MODELS,
      prices,
      clock,
      ...over,
    })
  const signal = new AbortController().signal

  it('refuses to start with a model that has no price', () => {
    expect(() => create({ models: { ...OPENAI_MODELS, premium: 'gpt-99' } })).toThrow('gpt-99')
  })

  it('counts a cached system prompt at its own price, as the provider does', async () => {
    const llm = create()
    const before = simulator.meter().costUsd
    const request = draftRequest({ system: 'Cite what you say. '.repeat(400) })
    const first = await llm.generate(request, { signal })
    const second = await llm.generate(request, { signal })
    expect(first.usage.cacheWriteTokens).toBeGreaterThan(1_024)
    expect(second.usage).toMatchObject({ cacheReadTokens: first.usage.cacheWriteTokens, cacheWriteTokens: 0 })
    expect(second.costUsd).toBeLessThan(first.costUsd)
    expect(first.costUsd + second.costUsd).toBeCloseTo(simulator.meter().costUsd - before, 12)
  })

  it('bills a reply that turned out useless', async () => {
    simulator.setFaults([{ fault: 'broken_json' }])
    const error = await create()
      .generate(draftRequest(), { signal })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ProviderFailure)
    const { bill } = error as ProviderFailure
    expect(bill).toMatchObject({ provider: 'openai', model: OPENAI_MODELS.standard })
    expect(bill.costUsd).toBeGreaterThan(0)
  })

  it('takes a wrong key and an unknown model for failures that no repeat can heal', async () => {
    const wrongKey = create({ apiKey: WRONG_KEY })
    expect(await failureFrom(wrongKey.generate(draftRequest(), { signal }))).toMatchObject({
      kind: 'terminal',
      code: 'provider-auth',
    })
    expect(await wrongKey.ready()).toEqual({ ok: false, detail: 'openai: provider-auth' })
    const unpriced = createPrices([freeOfCharge('gpt-nobody-serves')])
    const models = { cheap: 'gpt-nobody-serves', standard: 'gpt-nobody-serves', premium: 'gpt-nobody-serves' }
    const unknownModel = create({ models, prices: unpriced }).generate(draftRequest(), { signal })
    expect(await failureFrom(unknownModel)).toMatchObject({ kind: 'terminal', code: 'provider-rejected' })
  })

  it('takes a server that is not there for one that may come back', async () => {
    const gone = await startSimulator()
    await gone.close()
    const llm = create({ baseUrl: `${gone.url}/v1` })
    expect(await failureFrom(llm.generate(draftRequest(), { signal }))).toMatchObject({ code: 'provider-unavailable' })
    expect(await llm.ready()).toEqual({ ok: false, detail: 'openai: provider-unavailable' })
  })

  it('sends a request that the strict simulator finds no fault with, in both dialects', async () => {
    const rejectedBefore = simulator.meter().rejected
    await create().generate(draftRequest(), { signal })
    await create({ ...local, models: localModels }).generate(draftRequest(), { signal })
    expect(simulator.meter().rejected).toBe(rejectedBefore)
  })
})
