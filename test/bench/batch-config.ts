import type { BatchSettings } from '#cli/start-batches.ts'
import type { Config } from '#shared/config.ts'
import { benchConfig } from './bench-config.ts'

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
}

export const batchBenchConfig = (bench: BatchBench): Config => ({
  ...benchConfig(bench),
  openAi: { apiKey: 'simulated', baseUrl: `${bench.simulatorUrl}/v1` },
})
