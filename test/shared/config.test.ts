import { isAbsolute, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig } from '#shared/config.ts'

const problemsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    readConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}
const namesOf = (environment: Record<string, string>) => problemsOf(environment).map((problem) => problem.split(':')[0])

const DEFAULTS = {
  port: 3_000,
  host: '127.0.0.1',
  dataDir: resolve('./data'),
  redisUrl: undefined,
  databaseUrl: undefined,
  qdrant: undefined,
  elasticsearch: undefined,
  openAi: undefined,
  anthropic: undefined,
  webhookSecrets: { openai: undefined, anthropic: undefined },
  localLlm: undefined,
  embeddingModel: 'hash',
  rerank: { model: 'lexical', apiKey: undefined },
  callbackNetworks: ['127.0.0.0/8', '::1'],
  adminApiKey: undefined,
  logLevel: 'info',
}
const ALL = {
  PORT: '8080',
  HOST: '0.0.0.0',
  DATA_DIR: '/var/lib/answerline',
  REDIS_URL: 'rediss://user:secret@redis.example:6380/1',
  DATABASE_URL: 'postgresql://user:secret@db.example/answerline',
  QDRANT_URL: 'http://qdrant.example:6333',
  QDRANT_API_KEY: 'q',
  ELASTICSEARCH_URL: 'https://es.example',
  ELASTICSEARCH_API_KEY: 'e',
  OPENAI_API_KEY: 'sk-1',
  OPENAI_BASE_URL: 'https://proxy.example/v1',
  ANTHROPIC_API_KEY: 'sk-2',
  ANTHROPIC_BASE_URL: 'https://proxy.example',
  OPENAI_WEBHOOK_SECRET: `whsec_${'a'.repeat(32)}`,
  LOCAL_LLM_URL: 'http://localhost:11434/v1',
  LOCAL_LLM_MODEL: 'qwen',
  EMBEDDING_MODEL: 'openai:text-embedding-3-small',
  RERANK_MODEL: 'lexical',
  PRESIDIO_URL: 'http://presidio.internal:5002',
  CALLBACK_NETWORKS: '10.1.0.0/16, fd00::/8,192.168.7.9',
  ADMIN_API_KEY: '0123456789abcdef',
  LOG_LEVEL: 'warn',
}

test('keys for personal data are 32 bytes each, different, and stand in one place', () => {
  const [one, two] = [Buffer.alloc(32, 1).toString('base64'), Buffer.alloc(32, 2).toString('base64')]
  expect(readConfig({ PII_KEYS: `${one}, ${two}` }).piiKeys).toEqual([one, two])
  expect(readConfig({ PII_KEYS_FILE: 'keys' }).piiKeysFile).toBe(resolve('keys'))
  for (const wrong of ['secret', `${one},`, `${one},${one}`, Buffer.alloc(16).toString('base64'), `${one}x`])
    expect(namesOf({ PII_KEYS: wrong }), wrong).toEqual(['PII_KEYS'])
  expect(namesOf({ PII_KEYS: one, PII_KEYS_FILE: 'keys' })).toEqual(['PII_KEYS_FILE'])
})

test('nothing needs to be set', () => {
  expect(readConfig({})).toEqual(DEFAULTS)
})

test('a blank variable is an unset one', () => {
  const names = [...Object.keys(ALL), 'OTEL_EXPORTER_OTLP_ENDPOINT']
  for (const blank of ['', ' ', '\t\n']) {
    expect(readConfig(Object.fromEntries(names.map((name) => [name, blank])))).toEqual(DEFAULTS)
  }
})

test('everything that is set arrives', () => {
  expect(readConfig(ALL)).toEqual({
    port: 8_080,
    host: '0.0.0.0',
    dataDir: '/var/lib/answerline',
    redisUrl: ALL.REDIS_URL,
    databaseUrl: ALL.DATABASE_URL,
    qdrant: { url: ALL.QDRANT_URL, apiKey: 'q' },
    elasticsearch: { url: ALL.ELASTICSEARCH_URL, apiKey: 'e' },
    openAi: { apiKey: 'sk-1', baseUrl: ALL.OPENAI_BASE_URL },
    anthropic: { apiKey: 'sk-2', baseUrl: ALL.ANTHROPIC_BASE_URL },
    webhookSecrets: { openai: ALL.OPENAI_WEBHOOK_SECRET, anthropic: undefined },
    localLlm: { url: ALL.LOCAL_LLM_URL, model: 'qwen' },
    embeddingModel: 'openai:text-embedding-3-small',
    rerank: { model: 'lexical', apiKey: undefined },
    presidioUrl: ALL.PRESIDIO_URL,
    callbackNetworks: ['10.1.0.0/16', 'fd00::/8', '192.168.7.9'],
    adminApiKey: '0123456789abcdef',
    logLevel: 'warn',
  })
})

test('what is not ours is left alone', () => {
  expect(readConfig({ PATH: '/bin', NODE_ENV: 'production' })).toEqual(DEFAULTS)
})

test('callbacks reach this machine only while the API is reached from this machine only, unless the operator says so', () => {
  for (const HOST of ['127.0.0.1', 'localhost', '::1'])
    expect(readConfig({ HOST }).callbackNetworks).toEqual(['127.0.0.0/8', '::1'])
  for (const HOST of ['0.0.0.0', '::', '10.0.0.5', 'api.internal']) expect(readConfig({ HOST }).callbackNetworks).toEqual([])
  expect(readConfig({ CALLBACK_NETWORKS: 'none' }).callbackNetworks).toEqual([])
  expect(readConfig({ HOST: '0.0.0.0', CALLBACK_NETWORKS: '10.0.0.0/8' }).callbackNetworks).toEqual(['10.0.0.0/8'])
})

test('a data directory becomes absolute', () => {
  expect(isAbsolute(readConfig({ DATA_DIR: 'some/where' }).dataDir)).toBe(true)
})

test('a unix socket is a Redis address', () => {
  expect(readConfig({ REDIS_URL: '/run/redis.sock' }).redisUrl).toBe('/run/redis.sock')
})

describe('every variable is checked, and the problem names it', () => {
  test.for([
    ['CALLBACK_NETWORKS', '10.0.0.0/33'],
    ['CALLBACK_NETWORKS', 'localhost'],
    ['CALLBACK_NETWORKS', '10.0.0.0/8,'],
    ['CALLBACK_NETWORKS', '::/129'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '3000x'],
    ['PORT', '3e3'],
    ['PORT', '0x10'],
    ['PORT', '30.5'],
    ['REDIS_URL', 'http://redis.example'],
    ['REDIS_URL', 'redis.example:6379'],
    ['DATABASE_URL', 'mysql://db.example/x'],
    ['QDRANT_URL', 'qdrant'],
    ['ELASTICSEARCH_URL', 'ftp://es.example'],
    ['OPENAI_BASE_URL', 'file:///etc/passwd'],
    ['ANTHROPIC_BASE_URL', 'nonsense'],
    ['LOCAL_LLM_URL', 'nonsense'],
    ['EMBEDDING_MODEL', 'openai:text-embedding-9'],
    ['RERANK_MODEL', 'nonsense'],
    ['ADMIN_API_KEY', 'too short'],
    ['LOG_LEVEL', 'loud'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'nonsense'],
  ] as const)('%s=%s', ([name, value]) => {
    expect(namesOf({ [name]: value })).toContain(name)
  })
})

test("embedders and rerankers may be local, shortened, or on a server of one's own", () => {
  const base = { OPENAI_API_KEY: 'sk-1' }
  const own = { ...base, OPENAI_BASE_URL: 'http://localhost:8000/v1' }
  expect(readConfig({ ...base, EMBEDDING_MODEL: 'openai:text-embedding-3-large@256' }).embeddingModel).toContain('@256')
  expect(readConfig({ ...own, EMBEDDING_MODEL: 'openai:nomic-ai/nomic-embed-text-v1.5@512' }).embeddingModel).toContain('nomic')
  expect(readConfig({ EMBEDDING_MODEL: 'local:/models/e5' }).embeddingModel).toBe('local:/models/e5')
  for (const [environment, setting] of [
    [base, 'openai:text-embedding-3-small@4000'],
    [base, 'openai:nomic-embed-text@512'],
    [own, 'openai:nomic-embed-text'],
  ] as const)
    expect(namesOf({ ...environment, EMBEDDING_MODEL: setting })).toEqual(['EMBEDDING_MODEL'])
  for (const model of ['local:/models/reranker', 'http:https://rerank.example/v1/rerank#bge', 'http://localhost:8080/rerank'])
    expect(readConfig({ RERANK_MODEL: model, RERANK_API_KEY: 'k' }).rerank).toEqual({ model, apiKey: 'k' })
})

test('what belongs together is asked for together', () => {
  expect(problemsOf({ LOCAL_LLM_URL: 'http://localhost:1' })).toEqual(['LOCAL_LLM_MODEL: must be set along with LOCAL_LLM_URL'])
  expect(problemsOf({ LOCAL_LLM_MODEL: 'qwen' })).toEqual(['LOCAL_LLM_URL: must be set along with LOCAL_LLM_MODEL'])
  expect(problemsOf({ EMBEDDING_MODEL: 'openai:text-embedding-3-large', OPENAI_API_KEY: ' ' })).toEqual([
    'OPENAI_API_KEY: is needed for EMBEDDING_MODEL=openai:text-embedding-3-large',
  ])
})

test('traces go where they are told to', () => {
  expect(readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' }).otlpEndpoint).toBe('http://localhost:4318')
  expect(readConfig({}).otlpEndpoint).toBeUndefined()
})

test('all problems are listed at once, of single variables and between them, in the message as in the list', () => {
  const wrong = {
    PORT: 'x',
    REDIS_URL: 'nonsense',
    LOG_LEVEL: 'loud',
    LOCAL_LLM_URL: 'http://localhost:1',
    EMBEDDING_MODEL: 'openai:text-embedding-3-small',
  }
  const names = ['PORT', 'REDIS_URL', 'LOG_LEVEL', 'LOCAL_LLM_MODEL', 'OPENAI_API_KEY']
  expect(namesOf(wrong)).toEqual(names)
  expect(problemsOf(wrong)[1]).toBe('REDIS_URL: must be a redis:// or rediss:// address, or the path of a unix socket')
  for (const name of names) expect(() => readConfig(wrong)).toThrow(`  - ${name}: `)
})

test('an address of the wrong kind is told which kind is right', () => {
  expect(problemsOf({ DATABASE_URL: 'mysql://db.example' })).toEqual([
    'DATABASE_URL: must be an address that starts with postgres:// or postgresql://',
  ])
})

test('no problem repeats a secret', () => {
  const message = problemsOf({ DATABASE_URL: 'mysql://u:hunter2@db', REDIS_URL: 'http://u:hunter2@r', ADMIN_API_KEY: 'hunter2' })
  expect(message).toHaveLength(3)
  expect(message.join()).not.toContain('hunter2')
})
