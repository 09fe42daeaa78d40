import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { BatchLine, BatchProvider, BatchResult, RemoteBatch, Submission } from '#shared/ports/batch-provider.ts'
import type { LlmRequest } from '#shared/ports/llm.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'

export type ProviderCase = { readonly model: string; readonly make: (simulator: Simulator) => BatchProvider }

const Colour = z.object({ colour: z.enum(['red', 'green']), reason: z.string() })
export const colourRequest = (question: string): LlmRequest => ({
  task: 'classify',
  tier: 'cheap',
  prompt: { id: 'colour', version: 1, hash: 'x' },
  system: 'Name the colour.',
  messages: [{ role: 'user', content: question }],
  schema: { name: 'colour', type: Colour },
  maxOutputTokens: 200,
  call: { tenantId: 'default', runId: 'run_1', step: 'classify', visit: 1 },
})
const signal = () => AbortSignal.timeout(30_000)
export const nobodyKnown = async () => new Set<string>()

/** What every batch provider promises, on a provider that does what the plan says. */
export function batchProviderContract(name: string, { model, make }: ProviderCase): void {
  describe(name, () => {
    let simulator: Simulator
    let provider: BatchProvider
    let made = 0
    beforeAll(async () => {
      simulator = await startSimulator({ seed: 5 })
      provider = make(simulator)
    })
    afterAll(() => simulator.close())

    function submission(n: number): Submission {
      // Which requests fail depends on their texts: the same ones in every run of the tests.
      const batchId = `bat_${String(++made).padStart(26, '0')}`
      const lines: BatchLine[] = Array.from({ length: n }, (_, i) => ({
        id: `brq_${String(i).padStart(26, '0')}`,
        body: provider.prepare(colourRequest(`question ${i} of ${batchId}`), model).body,
      }))
      const { endpoint } = provider.prepare(colourRequest('x'), model)
      return { batchId, model, endpoint, requests: n, lines: () => ReadableStream.from(lines) }
    }
    async function submit(what: Submission): Promise<RemoteBatch> {
      return provider.create(what, await provider.upload(what, signal()), signal())
    }
    async function untilOver(id: string): Promise<RemoteBatch> {
      return expect
        .poll(async () => provider.read(id, signal()), { timeout: 20_000, interval: 20 })
        .toMatchObject({ phase: expect.stringMatching(/ended|rejected/) })
        .then(() => provider.read(id, signal()))
    }
    async function resultsOf(remote: RemoteBatch, what: Submission): Promise<BatchResult[]> {
      const results: BatchResult[] = []
      for await (const result of provider.results(remote, what, signal())) results.push(result)
      return results
    }

    it('brings a reply for every request, in any order, billed at half the price as the provider counts it', async () => {
      simulator.setBatchPlan({ shuffle: true })
      const before = simulator.meter().costUsd
      const what = submission(40)
      const results = await resultsOf(await untilOver((await submit(what)).id), what)
      expect(results.map(({ kind }) => kind)).toEqual(Array(40).fill('reply'))
      const replies = results.filter((result) => result.kind === 'reply')
      expect(new Set(replies.map(({ customId }) => customId)).size).toBe(40)
      for (const { customId, text } of replies) {
        expect(customId.startsWith(`${what.batchId}-brq_`)).toBe(true)
        expect(Colour.safeParse(JSON.parse(text)).success).toBe(true)
      }
      const costUsd = replies.reduce((sum, reply) => sum + reply.costUsd, 0)
      expect(costUsd).toBeGreaterThan(0)
      expect(costUsd).toBeCloseTo(simulator.meter().costUsd - before, 9)
    })

    it('tells errors by the table, refusals, what was not served, and lines that cannot be read', async () => {
      simulator.setBatchPlan({
        itemErrors: 0.3,
        refusals: 0.3,
        cutLines: 1,
        repeatedLines: 2,
        expire: [simulator.batches().batches],
      })
      const what = submission(60)
      const results = await resultsOf(await untilOver((await submit(what)).id), what)
      const kinds = Map.groupBy(results, ({ kind }) => kind)
      expect(results.length).toBe(62)
      expect(kinds.get('malformed')).toHaveLength(1)
      expect(kinds.get('unserved')!.length).toBeGreaterThanOrEqual(30)
      expect(new Set(kinds.get('unserved')!.map((result) => 'code' in result && result.code))).toEqual(new Set(['batch-expired']))
      const codes = new Set(
        kinds.get('failed')!.map((result) => 'failure' in result && `${result.failure.kind} ${result.failure.code}`),
      )
      expect(codes).toEqual(
        new Set(['retryable provider-unavailable', 'retryable provider-rate-limited', 'needs-person provider-refused']),
      )
    })

    it('finds by listing a batch whose creation was not seen to succeed, and nothing where none was made', async () => {
      simulator.setBatchPlan({})
      const marker = await provider.newest(signal())
      const what = submission(7)
      const other = submission(7)
      expect(await provider.find(what, marker, nobodyKnown, signal())).toEqual({ kind: 'none' })
      await untilOver((await submit(other)).id)
      expect(await provider.find(what, marker, nobodyKnown, signal())).toEqual({ kind: 'none' })
      const fileId = await provider.upload(what, signal())
      simulator.setFaults([{ match: 'batches', fault: 'drop' }])
      await expect(provider.create(what, fileId, signal())).rejects.toMatchObject({ failure: { kind: 'retryable' } })
      await expect
        .poll(() => provider.find(what, marker, nobodyKnown, signal()), { timeout: 20_000 })
        .toMatchObject({ kind: 'found' })
      const found = await provider.find(what, marker, nobodyKnown, signal())
      const remote = found.kind === 'found' ? await untilOver(found.batch.id) : undefined
      const [first] = await resultsOf(remote!, what)
      expect(first).toMatchObject({ kind: 'reply', customId: expect.stringContaining(what.batchId) })
    })

    it('cancels what still runs, and brings what was served before', async () => {
      simulator.setBatchPlan({ requestsPerSecond: 0.1 })
      const what = submission(200)
      const { id } = await submit(what)
      await expect.poll(async () => simulator.batches().served, { timeout: 20_000 }).toBeGreaterThan(0)
      await provider.cancel(id, signal())
      const results = await resultsOf(await untilOver(id), what)
      const kinds = Map.groupBy(results, ({ kind }) => kind)
      expect(results.length).toBe(200)
      expect(kinds.get('reply')!.length).toBeGreaterThan(0)
      expect(kinds.get('unserved')!.every((result) => 'code' in result && result.code === 'batch-cancelled')).toBe(true)
    })

    it('says of a batch that is gone that the provider rejects it', async () => {
      await expect(provider.read('batch_unknown', signal())).rejects.toMatchObject({ failure: { code: 'provider-rejected' } })
    })
  })
}
