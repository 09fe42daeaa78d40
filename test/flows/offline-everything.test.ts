import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiClient } from '#cli/client.ts'
import { type Platform, startPlatform } from '#cli/platform.ts'
import { createLog } from '#shared/wiring.ts'
import { BENCH_KEY, benchConfig } from '#test/bench/bench-config.ts'
import { hasRedis, startRedis, type TestRedis } from '#test/servers/redis.ts'
import { startWebhookListener, type WebhookListener } from '#test/servers/webhook-listener.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'

/** Whatever calls a model or embeds can wait for a batch: tickets by bulk upload, indexing, and every task of a document set. */

const PATIENCE = { timeout: 120_000, interval: 200 }
const PROVIDER_SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`
const dataDir = mkdtempSync(join(tmpdir(), 'offline-all-'))
let redis: TestRedis
let simulator: Simulator
let receiver: WebhookListener
let platform: Platform
let client: ReturnType<typeof apiClient>

beforeAll(async () => {
  if (!hasRedis) return
  redis = await startRedis()
  simulator = await startSimulator({ seed: 11 })
  receiver = await startWebhookListener()
  const config = {
    ...benchConfig({ redisUrl: redis.socket, databaseUrl: '', dataDir }),
    databaseUrl: undefined,
    embeddingModel: 'openai:text-embedding-3-small',
    openAi: { apiKey: 'simulated', baseUrl: `${simulator.url}/v1` },
    logLevel: 'silent' as const,
    callbackNetworks: ['127.0.0.0/8'],
    webhookSecrets: { openai: PROVIDER_SECRET },
  }
  const pace = { collectEveryMs: 200, firstPollMs: 100, maxPollMs: 200, wakeEveryMs: 100, leaseMs: 10_000 }
  const batch = { thresholds: { ageMs: 300 }, pace }
  platform = await startPlatform({ config, roles: { api: true, work: true }, log: createLog('silent'), batch })
  client = apiClient(platform.url, platform.key.key)
  const webhook = { url: `${platform.url}/webhooks/openai`, secret: PROVIDER_SECRET }
  simulator.setBatchPlan({ validatingMs: 200, webhook })
  const tenant = (await platform.doors.tenants.get('default'))!
  const { policies, knowledge } = tenant.config
  await platform.doors.tenants.update('default', {
    config: {
      ...tenant.config,
      policies: { ...policies, cache: false, minEvidence: 0 },
      knowledge: { ...knowledge, contextSentences: 'offline' },
    },
  })
}, 180_000)
afterAll(async () => {
  await platform?.stop()
  receiver?.close()
  await simulator?.close()
  await redis?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

const rows = (sql: string, params: readonly unknown[] = []) => platform.doors.database.asSystem('the test looks', sql, params)
/** Steps of this pipeline that waited for a batch, and how many of their calls a batch answered. */
const parkedSteps = async (pipeline: string) => {
  const sql = `SELECT DISTINCT a.step FROM attempts a JOIN runs r ON r.id = a.run_id WHERE r.pipeline = $1 AND a.result = 'parked' ORDER BY 1`
  return (await rows(sql, [pipeline])).map(({ step }) => step)
}
/** Everything that was paid was paid at batch price: what the synchronous API was asked for is not there. */
const askedSynchronously = async (pipeline: string) => {
  const sql = `SELECT m.step, m.model FROM model_calls m JOIN runs r ON r.id = m.run_id WHERE r.pipeline = $1 AND m.cost_usd > 0
    AND NOT EXISTS (SELECT 1 FROM batch_requests q WHERE q.run_id = m.run_id AND q.step = m.step AND q.request_hash = m.request_hash)`
  return rows(sql, [pipeline])
}

const article = (i: number) =>
  `# Lamp ${i}\n\nThe lamp ${i} turns amber after ${10 + i} seconds. Press the button of lamp ${i} to reset it.\n\n## Warranty\n\nThe warranty of lamp ${i} lasts ${i + 2} years.`

describe.skipIf(!hasRedis)(`the offline lane${hasRedis ? '' : ' (needs redis-server)'}`, () => {
  test('indexes documents by batches: their context sentences and their vectors', async () => {
    const documents = Array.from({ length: 3 }, (_, i) => ({ id: `kb-${i}`, title: `Lamp ${i}`, text: article(i) }))
    for (const document of documents) expect((await client.request('POST', '/v1/documents', document)).status).toBe(202)
    const states = async () => {
      const { body } = await client.request('GET', '/v1/documents')
      return (body as { documents: { state: string }[] }).documents.map(({ state }) => state)
    }
    await expect.poll(states, PATIENCE).toEqual(['indexed', 'indexed', 'indexed'])
    expect(await parkedSteps('index-document')).toEqual(['embed', 'enrich'])
    expect(await askedSynchronously('index-document')).toEqual([])
    const answered = await rows(
      "SELECT endpoint, count(*)::int AS n FROM batch_requests WHERE state = 'answered' GROUP BY endpoint ORDER BY endpoint",
    )
    expect(answered).toEqual([
      { endpoint: '/v1/chat/completions', n: expect.any(Number) },
      { endpoint: '/v1/embeddings', n: 3 },
    ])
    const [chunks] = await rows("SELECT count(*)::int AS n, count(chunk->>'context')::int AS with_context FROM chunks")
    expect(chunks!['n']).toBeGreaterThan(0)
    expect(chunks!['with_context']).toBe(chunks!['n'])
    const { body } = await client.request('POST', '/v1/search', { query: 'How long is the warranty of lamp 2?', topK: 3 })
    expect((body as { passages: { documentId: string }[] }).passages[0]?.documentId).toBe('kb-2')
  }, 180_000)

  test('answers tickets of a bulk upload, each with its own webhook', async () => {
    const tickets = Array.from({ length: 4 }, (_, i) => ({
      subject: `Lamp ${i % 3}`,
      body: `When does the lamp ${i % 3} turn amber, and how do I reset it?`,
      requester: { id: `customer-${i}` },
      lane: 'offline',
      callbackUrl: `${receiver.url}/tickets/${i}`,
    }))
    const response = await fetch(`${platform.url}/v1/tickets/bulk`, {
      method: 'POST',
      headers: { authorization: `Bearer ${BENCH_KEY}`, 'content-type': 'application/x-ndjson' },
      body: tickets.map((ticket) => JSON.stringify(ticket)).join('\n'),
    })
    const lines = (await response.text()).trimEnd().split('\n')
    const accepted = lines.map((line) => JSON.parse(line) as { ticketId: string; runId: string })
    expect(accepted).toHaveLength(4)
    const ends = async () => {
      const runs = await Promise.all(accepted.map(({ runId }) => platform.doors.runs.load(runId)))
      return runs.map((run) => `${run!.step} ${run!.status}`)
    }
    await expect.poll(ends, PATIENCE).toEqual(accepted.map(() => 'deliver answered'))
    await expect.poll(() => receiver.count(), PATIENCE).toBe(4)
    const secret = (await platform.doors.tenants.get('default'))!.config.webhook.secret!
    const ids = receiver.verified<{ type: string; data: { ticketId: string } }>(secret).map((message) => {
      expect(message.type).toMatch(/^ticket\./)
      return message.data.ticketId
    })
    expect(ids.toSorted()).toEqual(accepted.map(({ ticketId }) => ticketId).toSorted())
    for (const { runId } of accepted) expect((await platform.doors.runs.load(runId))!.lane).toBe('offline')
    expect(await parkedSteps('support-ticket')).toContain('generate')
    expect(await askedSynchronously('support-ticket')).toEqual([])
  }, 180_000)

  test('does every task of a document set by batches', async () => {
    const schema = {
      type: 'object',
      properties: { product: { type: 'string' }, years: { type: 'integer' } },
      required: ['product'],
    }
    const tasks = [
      { task: 'summarise' },
      { task: 'classify', labels: ['lamp', 'hub'] },
      { task: 'extract', schema },
      { task: 'faq' },
      { task: 'contextualise' },
    ]
    const ids: string[] = []
    for (const task of tasks) {
      const set = { name: task.task, documents: [{ title: 'Lamp 7', text: article(7) }], ...task }
      const { status, body } = await client.request('POST', '/v1/document-sets', set)
      expect(status).toBe(202)
      ids.push((body as { documentSetId: string }).documentSetId)
    }
    const states = () =>
      Promise.all(
        ids.map(async (id) => ((await client.request('GET', `/v1/document-sets/${id}`)).body as { state: string }).state),
      )
    await expect.poll(states, PATIENCE).toEqual(tasks.map(() => 'completed'))
    const asked = await rows(
      `SELECT s.spec->'settings'->>'task' AS task, bool_and(q.state = 'answered') AS answered FROM document_sets s
       JOIN document_set_items i ON i.set_id = s.id JOIN batch_requests q ON q.run_id = i.run_id GROUP BY 1 ORDER BY 1`,
    )
    expect(asked).toEqual(tasks.map(({ task }) => ({ task, answered: true })).toSorted((a, b) => (a.task < b.task ? -1 : 1)))
    expect(await parkedSteps('digest-document')).toEqual(['digest'])
    expect(await askedSynchronously('digest-document')).toEqual([])
  }, 180_000)

  test('is told by the provider’s signed webhook that a batch has ended, once for each', async () => {
    const counts = async () => {
      const [row] = await rows(
        "SELECT (SELECT count(*)::int FROM webhook_receipts) AS told, (SELECT count(*)::int FROM batches WHERE state = 'done') AS done",
      )
      return row
    }
    await expect.poll(counts, PATIENCE).toMatchObject({ done: simulator.batches().batches, told: simulator.batches().batches })
  }, 180_000)
})
