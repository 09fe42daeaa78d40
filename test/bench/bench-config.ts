import type { Config } from '#shared/config.ts'

export const BENCH_KEY = 'admin-key-of-the-benchmarks'

type Where = { readonly redisUrl: string; readonly databaseUrl: string; readonly dataDir: string }

/** The defaults of the product on given stores; nothing of the environment has a part in a figure. */
export const benchConfig = ({ redisUrl, databaseUrl, dataDir }: Where): Config => ({
  port: 0,
  host: '127.0.0.1',
  dataDir,
  redisUrl,
  databaseUrl,
  qdrant: undefined,
  elasticsearch: undefined,
  openAi: undefined,
  anthropic: undefined,
  localLlm: undefined,
  embeddingModel: 'hash',
  rerank: { model: 'lexical', apiKey: undefined },
  adminApiKey: BENCH_KEY,
  logLevel: 'warn',
})
