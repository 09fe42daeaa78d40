import { createAnthropicBatchProvider } from './adapters/models/batch-provider.anthropic.ts'
import { createOpenAiBatchProvider } from './adapters/models/batch-provider.openai.ts'
import { createBatchRequests } from './adapters/state/batch-requests.postgres.ts'
import { createBatchStore } from './adapters/state/batch-store.postgres.ts'
import type { Config } from './config.ts'
import type { Database } from './database/client.ts'
import { createPrices } from './domain/price.ts'
import type { BatchProvider } from './ports/batch-provider.ts'
import type { BatchRequests, BatchStore } from './ports/batch-store.ts'
import type { Clock } from './ports/clock.ts'
import type { Sealer } from './ports/sealer.ts'

export type BatchDoors = {
  readonly batchRequests: BatchRequests
  readonly batches: BatchStore
  /** Of the providers that are configured; with none of them, the offline lane asks synchronously. */
  readonly batchProviders: readonly BatchProvider[]
}

/** The doors of the offline lane. */
export function createBatchDoors(
  config: Pick<Config, 'openAi' | 'anthropic'>,
  database: Database,
  clock: Clock,
  sealer: Sealer,
): BatchDoors {
  const prices = createPrices()
  return {
    batchRequests: createBatchRequests(database, sealer),
    batches: createBatchStore(database, sealer),
    batchProviders: [
      ...(config.openAi ? [createOpenAiBatchProvider({ ...config.openAi, prices, clock })] : []),
      ...(config.anthropic ? [createAnthropicBatchProvider({ ...config.anthropic, prices, clock })] : []),
    ],
  }
}
