import type { BatchSettings } from '#cli/start-batches.ts'
import type { Config } from '#shared/config.ts'
import { benchConfig } from './bench-config.ts'

export type BatchProviderName = 'openai' | 'anthropic'

/** What the processes of the batch drill have in common. */
export type BatchBench = {
  readonly redisUrl: string
  readonly databaseUrl: string
  readonly dataDir: string
  readonly simulatorUrl: string
  readonly settings: BatchSettings
  readonly logLevel?: 'warn' | 'silent'
  /** What goes through the offline lane: tickets that are classified, or documents that are digested. */
  readonly workload?: 'tickets' | 'documents'
  /** The only one that is configured; OpenAI unless said otherwise. */
  readonly provider?: BatchProviderName
}

export const batchBenchConfig = (bench: BatchBench): Config => ({
  ...benchConfig(bench),
  ...(bench.provider === 'anthropic'
    ? { anthropic: { apiKey: 'simulated', baseUrl: bench.simulatorUrl } }
    : { openAi: { apiKey: 'simulated', baseUrl: `${bench.simulatorUrl}/v1` } }),
})
