import { createAnthropicBatchProvider } from '#shared/adapters/models/batch-provider.anthropic.ts'
import { createOpenAiBatchProvider } from '#shared/adapters/models/batch-provider.openai.ts'
import { createPrices } from '#shared/domain/price.ts'
import { batchProviderContract } from '#test/contracts/batch-provider.contract.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'

const shared = { apiKey: 'simulated', prices: createPrices(), clock: steadyClock() }

batchProviderContract('OpenAI batches', {
  model: 'gpt-6-luna',
  make: ({ url }) => createOpenAiBatchProvider({ ...shared, baseUrl: `${url}/v1` }),
})
batchProviderContract('Anthropic batches', {
  model: 'claude-haiku-5-5',
  make: ({ url }) => createAnthropicBatchProvider({ ...shared, baseUrl: url }),
})
