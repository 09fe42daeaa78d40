import { isIP } from 'node:net'
import { resolve } from 'node:path'
import * as z from 'zod'

/** The only reader of the environment. Everything is optional; what is set must be right, or nothing starts. */

const url = (...protocols: string[]) =>
  z.url({
    protocol: new RegExp(`^(?:${protocols.join('|')})$`),
    error: `must be an address that starts with ${protocols.map((protocol) => `${protocol}://`).join(' or ')}`,
  })
const blankIsUnset = (value: unknown) => (typeof value === 'string' && value.trim() === '' ? undefined : value)
const optional = <T extends z.ZodType>(schema: T) => z.preprocess(blankIsUnset, schema.optional())

const webhookSecret = z.string().regex(/^whsec_[A-Za-z0-9+/]{24,128}={0,2}$/, 'must be whsec_ followed by base64')

const isNetwork = (text: string) => {
  const [, address = '', prefix] = /^([\da-fA-F.:]{2,45})(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const family = isIP(address)
  return family !== 0 && (prefix === undefined || Number(prefix) <= (family === 4 ? 32 : 128))
}
const networks = z
  .string()
  .transform((text) => (text.trim() === 'none' ? [] : text.split(',').map((part) => part.trim())))
  .refine((all) => all.every(isNetwork), 'must be "none", or networks such as 10.1.0.0/16,fd00::/8')

/** 32 bytes each, as `openssl rand -base64 32` prints them. */
const piiKeys = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .refine(
    (all) => all.every((key) => /^[A-Za-z0-9+/]{43}=$/.test(key)) && new Set(all).size === all.length,
    'must be different keys of 32 bytes in base64, separated by commas; `answerline keys new` prints one',
  )

const Environment = z.object({
  PORT: z.preprocess(
    blankIsUnset,
    z
      .string()
      .regex(/^\d{1,5}$/, 'must be a number from 0 to 65535')
      .transform(Number)
      .pipe(z.number().max(65_535, 'must be a number from 0 to 65535'))
      .default(3_000),
  ),
  HOST: z.preprocess(blankIsUnset, z.string().default('127.0.0.1')),
  DATA_DIR: z.preprocess(blankIsUnset, z.string().default('./data')),
  REDIS_URL: optional(
    z.string().refine((value) => value.startsWith('/') || url('redis', 'rediss').safeParse(value).success, {
      error: 'must be a redis:// or rediss:// address, or the path of a unix socket',
    }),
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
  OPENAI_WEBHOOK_SECRET: optional(webhookSecret),
  ANTHROPIC_WEBHOOK_SECRET: optional(webhookSecret),
  LOCAL_LLM_URL: optional(url('http', 'https')),
  LOCAL_LLM_MODEL: optional(z.string()),
  EMBEDDING_MODEL: z.preprocess(
    blankIsUnset,
    z
      .string()
      .regex(
        /^(?:hash|openai:[\w./:-]{1,100}(?:@[1-9]\d{1,4})?|local:.{1,500})$/,
        'hash, openai:<model>, openai:<model>@<dimensions> or local:<folder>',
      )
      .default('hash'),
  ),
  RERANK_MODEL: z.preprocess(
    blankIsUnset,
    z
      .string()
      .regex(
        /^(?:lexical|local:.{1,500}|http:https?:\/\/\S{1,500}|https?:\/\/\S{1,500})$/,
        'lexical, local:<folder> or http:<url>',
      )
      .default('lexical'),
  ),
  RERANK_API_KEY: optional(z.string()),
  PRESIDIO_URL: optional(url('http', 'https')),
  CALLBACK_NETWORKS: optional(networks),
  PII_KEYS: optional(piiKeys),
  PII_KEYS_FILE: optional(z.string()),
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
  /** What the providers sign their webhooks with. */
  readonly webhookSecrets?: { readonly openai?: string | undefined; readonly anthropic?: string | undefined }
  readonly localLlm: { readonly url: string; readonly model: string } | undefined
  readonly embeddingModel: string
  /** `lexical`, `local:<folder>` or `http:<url>`, where `#name` at the end of the address names the model. */
  readonly rerank: { readonly model: string; readonly apiKey: string | undefined }
  /** Of a Presidio analyzer that looks for personal data beside our own finders. */
  readonly presidioUrl?: string | undefined
  /** Networks that callbacks may reach though they are not public. */
  readonly callbackNetworks?: readonly string[]
  /** What personal data is sealed with: the first seals, all open; 32 bytes in base64 each. */
  readonly piiKeys?: readonly string[] | undefined
  /** Where they stand instead, one a line. */
  readonly piiKeysFile?: string | undefined
  readonly adminApiKey: string | undefined
  /** Where traces go; without it there are none. */
  readonly otlpEndpoint?: string | undefined
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
  problems.push(...mismatches(environment))
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems)
  const env = parsed.data
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
    webhookSecrets: { openai: env.OPENAI_WEBHOOK_SECRET, anthropic: env.ANTHROPIC_WEBHOOK_SECRET },
    embeddingModel: env.EMBEDDING_MODEL,
    rerank: { model: env.RERANK_MODEL, apiKey: env.RERANK_API_KEY },
    presidioUrl: env.PRESIDIO_URL,
    callbackNetworks: env.CALLBACK_NETWORKS ?? (isLoopback(env.HOST) ? LOOPBACK : []),
    piiKeys: env.PII_KEYS,
    piiKeysFile: env.PII_KEYS_FILE === undefined ? undefined : resolve(env.PII_KEYS_FILE),
    adminApiKey: env.ADMIN_API_KEY,
    logLevel: env.LOG_LEVEL,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
  }
}

const LOOPBACK = ['127.0.0.0/8', '::1']
/** Who can call an API that listens on loopback is on this machine already, and reaches its other servers without our help. */
const isLoopback = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.')

/** What is wrong between variables, each of which may be right or wrong by itself. */
function mismatches(environment: Readonly<Record<string, string | undefined>>): string[] {
  const isSet = (name: string) => blankIsUnset(environment[name]) !== undefined
  const problems: string[] = []
  if (isSet('LOCAL_LLM_URL') && !isSet('LOCAL_LLM_MODEL')) problems.push('LOCAL_LLM_MODEL: must be set along with LOCAL_LLM_URL')
  if (isSet('LOCAL_LLM_MODEL') && !isSet('LOCAL_LLM_URL')) problems.push('LOCAL_LLM_URL: must be set along with LOCAL_LLM_MODEL')
  if (isSet('PII_KEYS') && isSet('PII_KEYS_FILE')) problems.push('PII_KEYS_FILE: must not be set along with PII_KEYS')
  if (environment.EMBEDDING_MODEL?.startsWith('openai:') && !isSet('OPENAI_API_KEY'))
    problems.push(`OPENAI_API_KEY: is needed for EMBEDDING_MODEL=${environment.EMBEDDING_MODEL}`)
  problems.push(...embeddingProblems(environment.EMBEDDING_MODEL ?? '', isSet('OPENAI_BASE_URL')))
  return problems
}

const OPENAI_EMBEDDINGS: Readonly<Record<string, number>> = { 'text-embedding-3-small': 1_536, 'text-embedding-3-large': 3_072 }

/** OpenAI's own models are known, with their price; others need a server of one's own, and the length of their vectors. */
function embeddingProblems(setting: string, hasOwnServer: boolean): string[] {
  const [, model, dimensions] = /^openai:([^@]*)(?:@(\d+))?$/.exec(setting) ?? []
  if (model === undefined) return []
  const own = OPENAI_EMBEDDINGS[model]
  if (own === undefined && (!hasOwnServer || dimensions === undefined))
    return [
      `EMBEDDING_MODEL: ${model} is none of ${Object.keys(OPENAI_EMBEDDINGS).join(', ')}; a model of your own server needs OPENAI_BASE_URL and @<dimensions>`,
    ]
  return own !== undefined && Number(dimensions) > own ? [`EMBEDDING_MODEL: ${model} has at most ${own} dimensions`] : []
}
