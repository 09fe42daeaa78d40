import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiClient, type Client } from '#cli/client.ts'
import { type Platform, startPlatform } from '#cli/platform.ts'
import { createLog } from '#shared/wiring.ts'
import { BENCH_KEY, benchConfig } from '#test/bench/bench-config.ts'
import { hasRedis, startRedis, type TestRedis } from '#test/servers/redis.ts'
import { type StrictElasticsearch, startStrictElasticsearch } from '#test/servers/strict-elasticsearch.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'

/** The whole product in one process on a real Redis; the words' index on a server (a stand-in), so that it can go away. */

type Call = { prompt: { id: string }; costUsd: number }
type Attempt = { step: string; calls: Call[]; facts: { passages?: { passages: { documentId: string }[] } } }
const WAIT = { timeout: 60_000, interval: 100 }
const guide = (device: string, days: number, version = 1) =>
  ['Returns', 'Refunds', 'Warranty']
    .map(
      (name) =>
        `## ${name} of the ${device}\n\n${`Edition ${version} of the ${name.toLowerCase()} of the ${device}. `.repeat(25)}`,
    )
    .join('\n\n')
    .concat(`\n\n## Sending back the ${device}\n\nYou may send the ${device} back until ${days} days have passed.`)

describe.skipIf(!hasRedis)('retrieval (needs redis-server on PATH)', () => {
  let redis: TestRedis
  let elasticsearch: StrictElasticsearch
  let simulator: Simulator
  let platform: Platform
  let client: Client
  const folder = mkdtempSync(join(tmpdir(), 'retrieval-'))

  beforeAll(async () => {
    redis = await startRedis()
    elasticsearch = await startStrictElasticsearch()
    simulator = await startSimulator({ latency: { firstTokenMs: 1, tokensPerSecond: 10_000 } })
    const config = {
      ...benchConfig({ redisUrl: redis.socket, databaseUrl: 'unused', dataDir: folder }),
      databaseUrl: undefined,
      elasticsearch: { url: elasticsearch.url, apiKey: undefined },
      openAi: { apiKey: 'simulated', baseUrl: `${simulator.url}/v1` },
    }
    platform = await startPlatform({ config, roles: { api: true, work: true }, log: createLog('silent') })
    client = apiClient(platform.url, BENCH_KEY)
  }, 120_000)
  afterAll(async () => {
    await platform?.stop()
    await Promise.all([redis?.stop(), elasticsearch?.close(), simulator?.close()])
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  const put = async (id: string, text: string) =>
    expect((await client.request('POST', '/v1/documents', { id, title: `Guide to the ${id}`, text })).status).toBe(202)
  const stateOf = async (id: string) => ((await client.request('GET', `/v1/documents/${id}`)).body as { state: string }).state
  const search = async (query: string) => {
    const { body } = await client.request('POST', '/v1/search', { query, topK: 10 })
    const { passages, failedLegs, degraded } = body as {
      passages: { chunkId: string; documentId: string; text: string }[]
      failedLegs: string[]
      degraded: boolean
    }
    const versions = new Set(
      passages.filter(({ documentId }) => documentId === 'doorbell').map(({ chunkId }) => chunkId.split(':')[1]),
    )
    return { versions: [...versions], text: passages.map(({ text }) => text).join('\n'), failedLegs, degraded }
  }

  test('a store that goes away while a document is indexed is waited for; until then no query sees two versions', async () => {
    await put('doorbell', guide('doorbell', 30))
    await expect.poll(() => stateOf('doorbell'), WAIT).toBe('indexed')
    const before = await search('edition of the returns of the doorbell')
    expect(before).toMatchObject({ versions: [expect.any(String)], failedLegs: [], text: expect.stringContaining('Edition 1') })

    elasticsearch.strike(/./, 'drop', { times: 1_000_000 })
    const tried = () => elasticsearch.requests.filter(({ path }) => path.endsWith('/_bulk')).length
    const triedBefore = tried()
    await put('doorbell', guide('doorbell', 30, 2))
    // Twice: the run has met the failure, waited, and come again.
    await expect.poll(tried, WAIT).toBeGreaterThan(triedBefore + 1)
    expect(await stateOf('doorbell')).toBe('indexing')
    const meanwhile = await search('edition of the returns of the doorbell')
    expect(meanwhile).toMatchObject({ failedLegs: ['sparse'], degraded: true })
    expect(meanwhile.versions).toHaveLength(1)

    elasticsearch.calm()
    while ((await stateOf('doorbell')) !== 'indexed') expect((await search('edition of the doorbell')).versions).toHaveLength(1)
    const after = await search('edition of the returns of the doorbell')
    expect(after).toMatchObject({ failedLegs: [], degraded: false, text: expect.stringContaining('Edition 2') })
    expect(after.versions).toHaveLength(1)
    expect(after.versions).not.toEqual(before.versions)
    expect(after.text).not.toContain('Edition 1')
  }, 180_000)

  test('what a customer asked before decides which of two alike passages is found for a question that names neither', async () => {
    await put('hub', guide('hub', 14))
    await expect.poll(() => stateOf('hub'), WAIT).toBe('indexed')
    const passagesFor = async (device: string) => {
      const messages = [
        { role: 'user', content: `I have bought the ${device} that you sell, and it stopped working.` },
        { role: 'assistant', content: 'I am sorry to hear that.' },
        // No word of it stands for another, so that no rule adds the topic to the question itself.
        { role: 'user', content: 'How many days may pass before customers cannot send devices back?' },
      ]
      const { body } = await client.request('POST', '/v1/chat/completions', { model: 'support', messages })
      const { runId } = (body as { answerline: { runId: string } }).answerline
      const run = (await client.request('GET', `/v1/runs/${runId}`)).body as { attempts: Attempt[] }
      const retrieved = run.attempts.find(({ step }) => step === 'retrieve')
      return (retrieved?.facts.passages?.passages ?? []).map(({ documentId }) => documentId)
    }
    for (const device of ['hub', 'doorbell', 'hub']) {
      expect((await passagesFor(device))[0]).toBe(device)
    }
  }, 120_000)

  test('a tenant that wants it lets a model imagine a passage: one call of the step, in the journal like any other', async () => {
    const imagined = async (n: number) => {
      const messages = [{ role: 'user', content: `Please tell me the returns of the hub, for case number ${n}.` }]
      const { body } = await client.request('POST', '/v1/chat/completions', { model: 'support', messages })
      const { runId } = (body as { answerline: { runId: string } }).answerline
      const run = (await client.request('GET', `/v1/runs/${runId}`)).body as { attempts: Attempt[] }
      return run.attempts.filter(({ step }) => step === 'retrieve').flatMap(({ calls }) => calls)
    }
    expect(await imagined(1)).toEqual([])
    const config = { knowledge: { hypotheticalPassages: true } }
    expect((await client.request('PATCH', '/v1/tenants/default', { config })).status).toBe(200)
    // Tenants are cached for some seconds in the process that works.
    let n = 1
    await expect.poll(() => imagined(++n), { timeout: 60_000, interval: 500 }).toHaveLength(1)
    const [call] = await imagined(++n)
    expect(call).toMatchObject({ task: 'rewrite', tier: 'cheap', prompt: { id: 'imagine-passage' }, failureCode: null })
    expect(call!.costUsd).toBeGreaterThan(0)
  }, 120_000)
})
