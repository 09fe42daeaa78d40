import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiClient } from '#cli/client.ts'
import { type Platform, startPlatform } from '#cli/platform.ts'
import { createLog } from '#shared/wiring.ts'
import { benchConfig } from '#test/bench/bench-config.ts'
import { putMigratedPglite } from '#test/servers/migrated-pglite.ts'
import { postgresBin, startPostgres, type TestPostgres } from '#test/servers/postgres.ts'
import { hasRedis, startRedis, type TestRedis } from '#test/servers/redis.ts'
import { startWebhookListener, type WebhookListener } from '#test/servers/webhook-listener.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'

/** Sets on real stores through batches of the strict simulator. */

const PATIENCE = { timeout: 60_000, interval: 100 }
const dataDir = mkdtempSync(join(tmpdir(), 'sets-'))
let redis: TestRedis
let postgres: TestPostgres | undefined
let simulator: Simulator
let receiver: WebhookListener
let platform: Platform
let client: ReturnType<typeof apiClient>

beforeAll(async () => {
  if (!hasRedis) return
  redis = await startRedis()
  postgres = postgresBin === undefined ? undefined : await startPostgres()
  simulator = await startSimulator({ seed: 7 })
  receiver = await startWebhookListener()
  const databaseUrl = await postgres?.createDatabase('sets')
  const config = {
    ...benchConfig({ redisUrl: redis.socket, databaseUrl: '', dataDir }),
    databaseUrl,
    openAi: { apiKey: 'simulated', baseUrl: `${simulator.url}/v1` },
    logLevel: 'silent' as const,
    callbackNetworks: ['127.0.0.0/8'],
  }
  const pace = { collectEveryMs: 200, firstPollMs: 100, maxPollMs: 200, wakeEveryMs: 100, leaseMs: 10_000 }
  const batch = { thresholds: { ageMs: 300 }, pace }
  if (databaseUrl === undefined) await putMigratedPglite(dataDir)
  platform = await startPlatform({ config, roles: { api: true, work: true }, log: createLog('silent'), batch })
  client = apiClient(platform.url, platform.key.key)
}, 90_000)
afterAll(async () => {
  await platform?.stop()
  receiver?.close()
  await simulator?.close()
  await postgres?.stop()
  await redis?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

const article = (i: number) =>
  `# Lamp ${i}\n\nThe lamp ${i} turns amber after ${10 + i} seconds. Press the button of lamp ${i} to reset it.\n\n## Warranty\n\nThe warranty of lamp ${i} lasts ${i + 2} years.`
const post = async (path: string, body: unknown) => {
  const response = await client.request('POST', path, body)
  expect([201, 202]).toContain(response.status)
  return response.body as Record<string, string>
}
type View = {
  state: string
  progress: Record<string, number>
  costUsd: number
  savedUsd: number
  failures: { documentId: string; code: string }[]
}
const viewOf = async (id: string) => (await client.request('GET', `/v1/document-sets/${id}`)).body as View
const untilEnded = async (id: string) => {
  await expect.poll(async () => (await viewOf(id)).state, PATIENCE).toMatch(/completed|cancelled/)
  return viewOf(id)
}
const resultsOf = async (id: string) => {
  const text = String((await client.request('GET', `/v1/document-sets/${id}/results`)).body)
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

describe.skipIf(!hasRedis)(`document sets${hasRedis ? '' : ' (needs redis-server)'}`, () => {
  test('go through a batch, are proven, cost half, and tell their producer', async () => {
    const documents = [...Array.from({ length: 6 }, (_, i) => ({ title: `Lamp ${i}`, text: article(i) })), 'kb-unknown']
    const callbackUrl = `${receiver.url}/sets`
    const { documentSetId: id } = await post('/v1/document-sets', { name: 'lamps', task: 'summarise', documents, callbackUrl })
    const view = await untilEnded(id!)
    expect(view).toMatchObject({ state: 'completed', progress: { done: 6, failed: 1, cancelled: 0, parked: 0, total: 7 } })
    expect(view.failures).toMatchObject([{ documentId: 'kb-unknown', code: 'unknown-document' }])
    expect(view.costUsd).toBeGreaterThan(0)
    // Everything went through batches, so as much as was paid was saved.
    expect(view.savedUsd).toBeCloseTo(view.costUsd, 8)
    expect(simulator.batches().submitted).toBe(6)
    const results = await resultsOf(id!)
    expect(results.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(results[3].result.text).toMatch(/lamp 3/i)
    expect(results[3].result.citations[0].quote).toMatch(/lamp 3/i)
    expect(results[3].result.claims.every(({ supported }: { supported: boolean }) => supported)).toBe(true)
    await expect.poll(() => receiver.count(), PATIENCE).toBe(1)
    const secret = (await platform.doors.tenants.get('default'))!.config.webhook.secret!
    const [message] = receiver.verified<{ type: string; data: Record<string, unknown> }>(secret)
    expect(message).toMatchObject({
      type: 'document-set.completed',
      data: { documentSetId: id, name: 'lamps', progress: view.progress },
    })
  }, 90_000)

  test('digest every night what changed, put their questions into the knowledge, and survive a flushed Redis', async () => {
    for (let i = 0; i < 3; i++)
      await post('/v1/documents', { id: `kb-${i}`, title: `Lamp ${i}`, text: article(i), product: 'lamps' })
    const indexed = async () => {
      const list = (await client.request('GET', '/v1/documents?state=indexed&limit=100')).body as { documents: unknown[] }
      return list.documents.length
    }
    await expect.poll(indexed, PATIENCE).toBe(3)
    const query = { product: 'lamps', changedSince: 'last-run' }
    const made = await post('/v1/document-sets/schedules', {
      name: 'nightly',
      task: 'faq',
      index: true,
      cron: '0 2 * * *',
      query,
    })
    const scheduler = platform.doors.openJobSchedules('document-sets.fire')
    await expect.poll(async () => [...(await scheduler.ids())], PATIENCE).toEqual([made.scheduleId])
    await redis.flush()
    await expect.poll(async () => [...(await scheduler.ids())], PATIENCE).toEqual([made.scheduleId])
    await scheduler.close()

    const night = async () => {
      const sets = async () =>
        ((await client.request('GET', '/v1/document-sets')).body as { documentSets: { documentSetId: string }[] }).documentSets
      const before = (await sets()).length
      await platform.doors.database.asSystem(
        'it is two o’clock',
        `UPDATE document_set_schedules SET next_at = now() - interval '1 minute'`,
      )
      return { sets, before }
    }
    const first = await night()
    await expect.poll(async () => (await first.sets()).length, PATIENCE).toBe(first.before + 1)
    const [newest] = await first.sets()
    expect(await untilEnded(newest!.documentSetId)).toMatchObject({ state: 'completed', progress: { done: 3, total: 3 } })
    await expect.poll(indexed, PATIENCE).toBe(6)
    const found = (await client.request('POST', '/v1/search', { query: 'What about lamp 2 amber?', topK: 6 })).body as {
      passages: { title: string }[]
    }
    expect(found.passages.some(({ title }) => title.startsWith('Questions and answers: Lamp'))).toBe(true)

    await post('/v1/documents', { id: 'kb-1', title: 'Lamp 1', text: article(41), product: 'lamps' })
    await expect
      .poll(async () => (await client.request('GET', '/v1/documents/kb-1')).body, PATIENCE)
      .toMatchObject({ state: 'indexed', contentHash: expect.not.stringContaining('none') })
    const second = await night()
    await expect.poll(async () => (await second.sets()).length, PATIENCE).toBe(second.before + 1)
    const [again] = await second.sets()
    expect(await untilEnded(again!.documentSetId)).toMatchObject({ progress: { done: 1, total: 1 } })
    expect((await resultsOf(again!.documentSetId))[0]).toMatchObject({ documentId: 'kb-1', result: { task: 'faq' } })
  }, 120_000)

  test('stop spending when they are cancelled, at the provider too', async () => {
    simulator.setBatchPlan({ requestsPerSecond: 0.1 })
    const documents = Array.from({ length: 5 }, (_, i) => ({ title: `Slow ${i}`, text: article(100 + i) }))
    const { documentSetId: id } = await post('/v1/document-sets', {
      name: 'slow',
      task: 'classify',
      labels: ['lamp', 'hub'],
      documents,
    })
    await expect.poll(async () => (await viewOf(id!)).progress['parked'], PATIENCE).toBe(5)
    const statuses = async () =>
      (
        await platform.doors.database.asSystem('the test looks', 'SELECT remote_status, state FROM batches ORDER BY created_at')
      ).slice(-1)
    await expect.poll(async () => (await statuses())[0]?.['remote_status'], PATIENCE).toBe('in_progress')
    await post(`/v1/document-sets/${id}/cancel`, undefined)
    const view = await untilEnded(id!)
    expect(view.state).toBe('cancelled')
    expect(view.progress['done']! + view.progress['cancelled']!).toBe(5)
    expect(view.progress['cancelled']).toBeGreaterThan(0)
    // What it has in hand the provider finishes; how long that takes is its own affair.
    await expect.poll(async () => (await statuses())[0]?.['remote_status'], PATIENCE).toMatch(/^cancell(?:ing|ed)$/)
  }, 90_000)
})
