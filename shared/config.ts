import { join, resolve } from 'node:path'
import * as z from 'zod'

/** The only reader of the environment. Everything is optional; what is set must be right, or nothing starts. */

const url = (...protocols: string[]) => z.url({ protocol: new RegExp(`^(?:${protocols.join('|')})$`) })
const blankIsUnset = (value: unknown) => (value === '' ? undefined : value)
const optional = <T extends z.ZodType>(schema: T) => z.preprocess(blankIsUnset, schema.optional())

const Environment = z.object({
  PORT: z.preprocess(blankIsUnset, z.coerce.number().int().min(0).max(65_535).default(3_000)),
  HOST: z.preprocess(blankIsUnset, z.string().default('127.0.0.1')),
  DATA_DIR: z.preprocess(blankIsUnset, z.string().default('./data')),
  REDIS_URL: optional(
    z.union([url('redis', 'rediss'), z.string().regex(/^\//, 'a redis:// or rediss:// address, or the path of a unix socket')]),
  ),
  DATABASE_URL: optional(url('postgres', 'postgresql')),
  QDRANT_URL: optional(url('http', 'https')),
  QDRANT_API_KEY: optional(z.string()),
  ELASTICSEARCH_URL: optional(url('http', 'https')),
  ELASTICSEARCH_API_KEY: optional(z.string()),
  OPENAI_API_KEY: optional(z.string()),
  OPENAI_BASE_URL: optional(url('http', 'https')),
  ANTHROPIC_API_KEY: optional(z.string()),
  ANTHROPIC_BASE_URL: optional(url('http', 'https')),
  LOCAL_LLM_URL: optional(url('http', 'https')),
  LOCAL_LLM_MODEL: optional(z.string()),
  EMBEDDING_MODEL: z.preprocess(
    blankIsUnset,
    z
      .string()
      .regex(
        /^(?:hash|openai:text-embedding-3-(?:small|large))$/,
        'hash, openai:text-embedding-3-small or openai:text-embedding-3-large',
      )
      .default('hash'),
  ),
  RERANK_MODEL: z.preprocess(blankIsUnset, z.literal('lexical').default('lexical')),
  ADMIN_API_KEY: optional(z.string().min(16, 'at least 16 characters')),
  LOG_LEVEL: z.preprocess(blankIsUnset, z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info')),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(url('http', 'https')),
})

export type Config = {
  readonly port: number
  readonly host: string
  /** Absolute. */
  readonly dataDir: string
  readonly redisUrl: string | undefined
  readonly databaseUrl: string | undefined
  readonly qdrant: { readonly url: string; readonly apiKey: string | undefined } | undefined
  readonly elasticsearch: { readonly url: string; readonly apiKey: string | undefined } | undefined
  readonly openAi: { readonly apiKey: string; readonly baseUrl: string | undefined } | undefined
  readonly anthropic: { readonly apiKey: string; readonly baseUrl: string | undefined } | undefined
  readonly localLlm: { readonly url: string; readonly model: string } | undefined
  readonly embeddingModel: string
  readonly adminApiKey: string | undefined
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

/** Lists everything that is wrong at once: a start that fails four times for four typos is no help at 3 a.m. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`the configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** @throws ConfigError */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const parsed = Environment.safeParse(environment)
  const problems = parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  if (!parsed.success) throw new ConfigError(problems)
  const env = parsed.data
  if (env.LOCAL_LLM_URL !== undefined && env.LOCAL_LLM_MODEL === undefined)
    problems.push('LOCAL_LLM_MODEL: must be set along with LOCAL_LLM_URL')
  if (env.LOCAL_LLM_MODEL !== undefined && env.LOCAL_LLM_URL === undefined)
    problems.push('LOCAL_LLM_URL: must be set along with LOCAL_LLM_MODEL')
  if (env.EMBEDDING_MODEL.startsWith('openai:') && env.OPENAI_API_KEY === undefined)
    problems.push(`OPENAI_API_KEY: is needed for EMBEDDING_MODEL=${env.EMBEDDING_MODEL}`)
  if (env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined)
    problems.push('OTEL_EXPORTER_OTLP_ENDPOINT: trace export is not built yet in this version; unset it')
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    port: env.PORT,
    host: env.HOST,
    dataDir: resolve(env.DATA_DIR),
    redisUrl: env.REDIS_URL,
    databaseUrl: env.DATABASE_URL,
    qdrant: env.QDRANT_URL === undefined ? undefined : { url: env.QDRANT_URL, apiKey: env.QDRANT_API_KEY },
    elasticsearch:
      env.ELASTICSEARCH_URL === undefined ? undefined : { url: env.ELASTICSEARCH_URL, apiKey: env.ELASTICSEARCH_API_KEY },
    openAi: env.OPENAI_API_KEY === undefined ? undefined : { apiKey: env.OPENAI_API_KEY, baseUrl: env.OPENAI_BASE_URL },
    anthropic:
      env.ANTHROPIC_API_KEY === undefined ? undefined : { apiKey: env.ANTHROPIC_API_KEY, baseUrl: env.ANTHROPIC_BASE_URL },
    localLlm: env.LOCAL_LLM_URL === undefined ? undefined : { url: env.LOCAL_LLM_URL, model: env.LOCAL_LLM_MODEL! },
    embeddingModel: env.EMBEDDING_MODEL,
    adminApiKey: env.ADMIN_API_KEY,
    logLevel: env.LOG_LEVEL,
  }
}

export const searchFolder = (config: Config) => join(config.dataDir, 'search')
