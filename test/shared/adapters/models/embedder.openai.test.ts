import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { batchesOf, createOpenAiEmbedder } from '#shared/adapters/models/embedder.openai.ts'
import { failureFrom } from '#test/contracts/llm.contract.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'

const clock = { now: () => new Date(), random: Math.random }
const signal = new AbortController().signal
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)

describe('the OpenAI embedder', () => {
  let simulator: Simulator
  beforeAll(async () => {
    simulator = await startSimulator()
  })
  afterAll(() => simulator.close())
  const used: number[] = []
  const create = () =>
    createOpenAiEmbedder({
      apiKey: 'simulated',
      baseUrl: `${simulator.url}/v1`,
      model: 'text-embedding-3-small',
      dimensions: 256,
      clock,
      limits: { deadlineMs: 2_500 },
      onUsage: ({ inputTokens }) => used.push(inputTokens),
    })

  it('names the model and the length in its id', () => {
    expect(create()).toMatchObject({ id: 'openai-text-embedding-3-small-256', dimensions: 256 })
  })

  it('gives one unit-length vector per text, in order, that meaning can be compared by', async () => {
    const texts = ['reset the thermostat', 'thermostat reset steps', 'shipping costs to Norway']
    const [a, b, c] = await create().embed(texts, 'document', signal)
    for (const vector of [a!, b!, c!]) {
      expect(vector).toHaveLength(256)
      expect(dot(vector, vector)).toBeCloseTo(1, 5)
    }
    expect(dot(a!, b!)).toBeGreaterThan(dot(a!, c!))
    expect(used.at(-1)).toBeGreaterThan(0)
  })

  it('splits what one request cannot hold and keeps the order', async () => {
    const callsBefore = simulator.meter().calls
    const texts = Array.from({ length: 2_049 }, (_, i) => `number${i}`)
    const vectors = await create().embed(texts, 'document', signal)
    expect(simulator.meter().calls - callsBefore).toBe(2)
    const [last] = await create().embed(['number2048'], 'query', signal)
    expect(dot(vectors[2_048]!, last!)).toBeCloseTo(1, 5)
  })

  it('embeds nothing without asking, and an empty text without being refused', async () => {
    const callsBefore = simulator.meter().calls
    expect(await create().embed([], 'query', signal)).toEqual([])
    expect(simulator.meter().calls).toBe(callsBefore)
    expect(await create().embed([''], 'query', signal)).toHaveLength(1)
  })

  it.each([
    ['429', 'provider-rate-limited'],
    ['500', 'provider-unavailable'],
    ['drop', 'provider-unavailable'],
    ['hang', 'provider-stalled'],
    ['stall', 'provider-stalled'],
    ['half', 'provider-bad-reply'],
    ['empty_200', 'provider-bad-reply'],
  ] as const)('turns %s into retryable %s', async (fault, code) => {
    simulator.setFaults([{ fault }])
    expect(await failureFrom(create().embed(['text'], 'query', signal))).toMatchObject({ kind: 'retryable', code })
  })
})

describe('batches of texts', () => {
  it('hold at most 2,048 texts and 300,000 characters, and cut a text that no model takes', () => {
    const long = Array.from({ length: 40 }, () => 'x'.repeat(10_000))
    const batches = batchesOf(long)
    expect(batches.flat()).toHaveLength(40)
    for (const batch of batches) expect(batch.reduce((sum, text) => sum + text.length, 0)).toBeLessThanOrEqual(300_000)
    expect(batches[0]![0]).toHaveLength(8_192)
    expect(batchesOf(Array.from({ length: 5_000 }, () => 'x')).map((batch) => batch.length)).toEqual([2_048, 2_048, 904])
  })
})
