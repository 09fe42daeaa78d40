import { LLMock } from '@copilotkit/aimock'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOpenAiBatchProvider } from '#shared/adapters/models/batch-provider.openai.ts'
import { createPrices } from '#shared/domain/price.ts'
import type { Submission } from '#shared/ports/batch-provider.ts'
import { colourRequest, nobodyKnown } from '#test/contracts/batch-provider.contract.ts'

/** A provider that somebody else simulated: files, and batches whose results are canned. */
const mock = new LLMock({ port: 0, logLevel: 'silent' })
const signal = () => AbortSignal.timeout(20_000)
beforeAll(async () => {
  mock.onMessage(/question/, { content: JSON.stringify({ colour: 'red', reason: 'it is' }) })
  await mock.start()
})
afterAll(() => mock.stop())

test('uploads, creates, finds, reads and clears away a batch on a simulator that is not ours', async () => {
  const clock = { now: () => new Date(), random: Math.random }
  const provider = createOpenAiBatchProvider({ apiKey: 'mock', baseUrl: `${mock.url}/v1`, prices: createPrices(), clock })
  const { body, endpoint } = provider.prepare(colourRequest('question 1'), 'gpt-6-luna')
  const lines = [
    { id: 'brq_1', body },
    { id: 'brq_2', body },
  ]
  const batchId = 'bat_aimock'
  const what: Submission = { batchId, model: 'gpt-6-luna', endpoint, requests: 2, lines: () => ReadableStream.from(lines) }
  const marker = await provider.newest(signal())
  const fileId = await provider.upload(what, signal())
  expect(fileId).toMatch(/^file/)
  const created = await provider.create(what, fileId, signal())
  expect(await provider.find(what, marker, nobodyKnown, signal())).toMatchObject({ kind: 'found', batch: { id: created.id } })
  const remote = await provider.read(created.id, signal())
  expect(['working', 'ended']).toContain(remote.phase)
  const kinds: string[] = []
  if (remote.phase === 'ended') for await (const result of provider.results(remote, what, signal())) kinds.push(result.kind)
  expect(kinds.every((kind) => ['reply', 'failed', 'unserved', 'malformed'].includes(kind))).toBe(true)
  await provider.tidy(remote, fileId, signal())
  const file = await fetch(`${mock.url}/v1/files/${fileId}`, { headers: { authorization: 'Bearer mock' } })
  expect(file.status).toBe(404)
})
