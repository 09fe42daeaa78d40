import { expect, test } from 'vitest'
import { createOpenAiBatchProvider } from '#shared/adapters/models/batch-provider.openai.ts'
import { createOfflineEmbedder } from '#shared/adapters/models/embedder.offline.ts'
import { createOfflineLlm } from '#shared/adapters/models/llm.offline.ts'
import { Parked, retryable } from '#shared/domain/failure.ts'
import { createPrices } from '#shared/domain/price.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { Budget } from '#shared/ports/budget.ts'
import type { Embedder } from '#shared/ports/embedder.ts'
import { colourRequest } from '#test/contracts/batch-provider.contract.ts'
import { memoryBatchRequests } from '#test/fakes/batch-requests.memory.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'
import { createMemoryJournal } from '#test/fakes/journal.memory.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'

const prices = createPrices()
const signal = new AbortController().signal
const BILL = { provider: 'openai', model: 'gpt-6-luna', usage: NO_USAGE, costUsd: 0.1, latencyMs: 1 }

function lane() {
  const clock = steadyClock()
  const requests = memoryBatchRequests()
  const journal = createMemoryJournal()
  const sync = createScriptedLlm(['{"colour":"green","reason":"asked"}'])
  const providers = [createOpenAiBatchProvider({ apiKey: 'x', prices, clock })]
  const plan = () => [{ provider: 'openai', model: 'gpt-6-luna' }] as const
  const llm = createOfflineLlm(sync, { requests, journal, prices, providers, plan, clock })
  const ask = (question = 'which?', call: object = { lane: 'offline' }) => {
    const request = colourRequest(question)
    return llm.generate({ ...request, call: { ...request.call, ...call } }, { signal })
  }
  /** As the batch worker would. */
  async function answer(text: string) {
    for (const [id, row] of requests.rows) {
      requests.rows.set(id, { ...row, state: 'answered' })
      await journal.record({ ...row, ...BILL, startedAt: clock.now(), result: { kind: 'reply', text } })
    }
  }
  return { clock, requests, journal, sync, ask, answer }
}

test('a call of the offline lane parks, is there once however often it is asked, and is answered from the journal', async () => {
  const { requests, ask, answer, sync } = lane()
  await expect(ask()).rejects.toBeInstanceOf(Parked)
  await expect(ask()).rejects.toBeInstanceOf(Parked)
  expect(requests.rows.size).toBe(1)
  const [row] = requests.rows.values()
  expect(JSON.parse(row!.body)).toMatchObject({ model: 'gpt-6-luna', messages: [{ role: 'system' }, { content: 'which?' }] })
  await answer('{"colour":"red","reason":"batch"}')
  expect(await ask()).toMatchObject({ value: { colour: 'red' }, fromJournal: true })
  expect(sync.requests).toHaveLength(0)
})

test('every other lane, and a run whose deadline is near, asks at once', async () => {
  const { requests, ask, clock } = lane()
  expect(await ask('which?', {})).toMatchObject({ value: { colour: 'green' } })
  expect(await ask('which?', { lane: 'standard' })).toMatchObject({ value: { colour: 'green' } })
  const deadlineAt = new Date(clock.now().getTime() + 30 * 60_000)
  expect(await ask('which?', { lane: 'offline', deadlineAt })).toMatchObject({ value: { colour: 'green' } })
  expect(requests.rows.size).toBe(0)
})

test('a reply of another shape, and a wait that lasted too long, are asked synchronously', async () => {
  const { requests, ask, answer, clock } = lane()
  await expect(ask()).rejects.toBeInstanceOf(Parked)
  await answer('{"unexpected":true}')
  expect(await ask()).toMatchObject({ value: { colour: 'green' }, fromJournal: false })
  expect([...requests.rows.values()].map(({ state }) => state)).toEqual(['spilled'])
  await expect(ask('another?')).rejects.toBeInstanceOf(Parked)
  clock.advance(27 * 3_600_000)
  expect(await ask('another?')).toMatchObject({ value: { colour: 'green' } })
})

test('a refusal that the batch brought is for a person, and what no model can read is refused before it is sent', async () => {
  const { requests, ask } = lane()
  await expect(ask()).rejects.toBeInstanceOf(Parked)
  const failure = { kind: 'needs-person', code: 'provider-refused', message: 'no' } as const
  for (const [id, row] of requests.rows) requests.rows.set(id, { ...row, state: 'failed', failure })
  await expect(ask()).rejects.toMatchObject({ failure })
  await expect(ask('long '.repeat(400_000))).rejects.toMatchObject({ failure: { kind: 'terminal', code: 'input-too-long' } })
  expect(requests.rows.size).toBe(1)
})

test('sets money aside at batch price under the request’s own id, asks at once where there is none, and frees it when it spills', async () => {
  const { clock, requests, journal, sync } = lane()
  const reserved: { id?: string; worstUsd: number }[] = []
  const released: string[] = []
  let granted = true
  const budget = {
    reserve: async (want: { id?: string; worstUsd: number }) => {
      reserved.push(want)
      return { granted }
    },
    release: async ({ id }: { id: string }) => void released.push(id),
  } as unknown as Budget
  const providers = [createOpenAiBatchProvider({ apiKey: 'x', prices, clock })]
  const plan = () => [{ provider: 'openai', model: 'gpt-6-luna' }] as const
  const llm = createOfflineLlm(sync, { requests, journal, prices, providers, plan, clock, budget })
  const ask = (question: string) => {
    const request = colourRequest(question)
    return llm.generate({ ...request, call: { ...request.call, lane: 'offline' } }, { signal })
  }
  await expect(ask('which?')).rejects.toBeInstanceOf(Parked)
  const [row] = requests.rows.values()
  expect(reserved.map(({ id }) => id)).toEqual([row!.id])
  const held = { ...NO_USAGE, inputTokens: 2 * row!.inputTokens, cacheWriteTokens: 2 * row!.inputTokens, outputTokens: 200 }
  expect(reserved[0]!.worstUsd).toBeCloseTo(prices.costUsd('gpt-6-luna', held, clock.now()) / 2, 12)
  clock.advance(27 * 3_600_000)
  expect(await ask('which?')).toMatchObject({ value: { colour: 'green' } })
  expect(released).toEqual([row!.id])
  granted = false
  expect(await ask('another?')).toMatchObject({ value: { colour: 'green' } })
  expect(requests.rows.size).toBe(1)
})

test('documents of the offline lane are embedded by a batch, all of them in one wait; queries are not', async () => {
  const { requests, journal, clock } = lane()
  const inner: Embedder = {
    id: 'e',
    dimensions: 2,
    embed: async (texts) => texts.map(() => Float32Array.from([1, 0])),
  }
  const embedder = createOfflineEmbedder(inner, { requests, journal, prices, clock, model: 'text-embedding-3-small' })
  const owner = { tenantId: 'default', runId: 'run_1', step: 'embed', visit: 1, lane: 'offline' } as const
  const texts = Array.from({ length: 100 }, (_, i) => `${i} ${'word '.repeat(1_000)}`)
  expect(await embedder.embed(['a query'], 'query', signal, owner)).toHaveLength(1)
  await expect(embedder.embed(texts, 'document', signal, owner)).rejects.toBeInstanceOf(Parked)
  expect(requests.rows.size).toBe(2)
  for (const [id, row] of requests.rows) {
    const { input } = JSON.parse(row.body) as { input: string[] }
    const vector = Buffer.from(Float32Array.from([3, 4]).buffer).toString('base64')
    requests.rows.set(id, { ...row, state: 'answered' })
    await journal.record({
      ...row,
      ...BILL,
      startedAt: clock.now(),
      result: { kind: 'reply', text: JSON.stringify(input.map(() => vector)) },
    })
  }
  const vectors = await embedder.embed(texts, 'document', signal, owner)
  expect(vectors).toHaveLength(100)
  expect([...vectors[99]!].map((value) => value.toFixed(1))).toEqual(['0.6', '0.8'])
})

test('vectors of another shape are computed synchronously, and a failure that is none of the batch goes through', async () => {
  const { requests, journal, clock } = lane()
  const inner: Embedder = { id: 'e', dimensions: 2, embed: async (texts) => texts.map(() => Float32Array.from([0, 1])) }
  const embedder = createOfflineEmbedder(inner, { requests, journal, prices, clock, model: 'text-embedding-3-small' })
  const owner = { tenantId: 'default', runId: 'run_1', step: 'embed', visit: 1, lane: 'offline' } as const
  await expect(embedder.embed(['text'], 'document', signal, owner)).rejects.toBeInstanceOf(Parked)
  for (const [id, row] of requests.rows) {
    requests.rows.set(id, { ...row, state: 'answered' })
    await journal.record({ ...row, ...BILL, startedAt: clock.now(), result: { kind: 'reply', text: '["AAAA"]' } })
  }
  expect([...(await embedder.embed(['text'], 'document', signal, owner))[0]!]).toEqual([0, 1])
  const away = { ...requests, find: async () => Promise.reject(retryable('database-unavailable', 'away')) }
  const broken = createOfflineEmbedder(inner, { requests: away, journal, prices, clock, model: 'text-embedding-3-small' })
  await expect(broken.embed(['text'], 'document', signal, owner)).rejects.toMatchObject({
    failure: { code: 'database-unavailable' },
  })
})
