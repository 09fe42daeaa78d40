import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAnthropicLlm } from '#shared/adapters/models/llm.anthropic.ts'
import { createOpenAiLlm } from '#shared/adapters/models/llm.openai.ts'
import { MODELS } from '#shared/domain/model-table.ts'
import { createPrices } from '#shared/domain/price.ts'
import type { Llm } from '#shared/ports/llm.ts'
import { memoryExampleBank } from '#test/fakes/example-bank.memory.ts'
import { samplePassages, sampleScreened, sampleTicket, sampleTriage } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { generate } from '#workers/steps/generate.ts'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator()
})
afterAll(() => simulator.close())

const clock = { now: () => new Date(), random: () => 0 }
const shared = { apiKey: 'simulated', prices: createPrices(), clock }

test.each([
  [
    'OpenAI',
    (): Llm => createOpenAiLlm({ ...shared, baseUrl: `${simulator.url}/v1`, provider: 'openai', models: MODELS.openai.tiers }),
  ],
  ['Anthropic', (): Llm => createAnthropicLlm({ ...shared, baseUrl: simulator.url, models: MODELS.anthropic.tiers })],
])('drafts for other customers about other things read their prefix from the cache of %s', async (_name, create) => {
  const llm = create()
  const draft = (runId: string, text: string) =>
    generate(
      { ticket: sampleTicket(), screened: sampleScreened({ text }), triage: sampleTriage(), passages: samplePassages() },
      { llm, prompts: loadPrompts(), examples: memoryExampleBank() },
      stepContext({ runId }),
    )
  await draft('run_1', 'How long can I return a hub?')
  const before = simulator.meter().tokens
  await draft('run_2', 'What does a hub cost in other countries?')
  const { tokens } = simulator.meter()
  const read = tokens.cacheReadTokens - before.cacheReadTokens
  expect(read).toBeGreaterThan(1_024)
  expect(read / (tokens.inputTokens - before.inputTokens)).toBeGreaterThan(0.5)
})
