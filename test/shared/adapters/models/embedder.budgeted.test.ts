import { describe, expect, test } from 'vitest'
import { createBudgetedEmbedder } from '#shared/adapters/models/embedder.budgeted.ts'
import { createOpenAiEmbedder } from '#shared/adapters/models/embedder.openai.ts'
import { createPrices } from '#shared/domain/price.ts'
import { TenantBudgets } from '#shared/domain/tenant-budgets.ts'
import { createMemoryBudget } from '#test/fakes/budget.memory.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { startSimulator } from '#test/simulator/simulator.ts'

const clock = { now: () => new Date('2026-11-21T12:00:00.000Z'), random: () => 0.5 }
const owner = { tenantId: 'acme', runId: 'run_1', step: 'embed', visit: 1 }
const { signal } = new AbortController()

async function world(dayUsd: number) {
  const simulator = await startSimulator()
  const model = 'text-embedding-3-small'
  const inner = createOpenAiEmbedder({ apiKey: 'k', baseUrl: `${simulator.url}/v1`, model, dimensions: 64, clock })
  const budget = createMemoryBudget(() => TenantBudgets.parse({ tenant: { dayUsd } }), clock)
  const books = { budget, prices: createPrices(), clock, log: recordingLog(), provider: 'openai', model }
  return { simulator, budget, embedder: createBudgetedEmbedder(inner, books) }
}

describe('embeddings under a budget', () => {
  test('are settled at the tokens that the provider counted', async () => {
    const { simulator, budget, embedder } = await world(1)
    const vectors = await embedder.embed(['a blue box', 'a red box'], 'document', signal, owner)
    expect(vectors).toHaveLength(2)
    expect(budget.asks).toMatchObject([{ granted: true, ask: { purpose: 'embed', payer: { runId: 'run_1' } } }])
    expect(budget.asks[0]!.costUsd).toBeCloseTo(simulator.meter().costUsd, 9)
    expect(budget.asks[0]!.costUsd).toBeGreaterThan(0)
    expect(budget.asks[0]!.ask.worstUsd).toBeGreaterThanOrEqual(budget.asks[0]!.costUsd!)
    await simulator.close()
  })

  test('are not made when there is no money for them, and cost nothing when they fail', async () => {
    const poor = await world(1e-9)
    await expect(poor.embedder.embed(['a blue box'], 'query', signal, owner)).rejects.toMatchObject({
      failure: { kind: 'terminal', code: 'budget-exhausted' },
    })
    expect(poor.simulator.meter().calls).toBe(0)
    await poor.simulator.close()
    const broken = await world(1)
    broken.simulator.setFaults([{ fault: '500' }])
    await expect(broken.embedder.embed(['a blue box'], 'query', signal, owner)).rejects.toMatchObject({
      failure: { kind: 'retryable' },
    })
    expect(broken.budget.asks[0]!.costUsd).toBe(0)
    await broken.simulator.close()
  })

  test('a model without a price is refused at start', async () => {
    const { simulator, budget, embedder } = await world(1)
    const books = {
      budget,
      prices: createPrices(),
      clock,
      log: recordingLog(),
      provider: 'openai',
      model: 'embedding-of-tomorrow',
    }
    expect(() => createBudgetedEmbedder(embedder, books)).toThrow(/no price/)
    await simulator.close()
  })
})
