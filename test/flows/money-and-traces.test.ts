import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiClient, type Client } from '#cli/client.ts'
import { type Platform, startPlatform } from '#cli/platform.ts'
import { readConfig } from '#shared/config.ts'
import { TenantConfig } from '#shared/domain/tenant.ts'
import { createLog } from '#shared/wiring.ts'
import { putMigratedPglite } from '#test/servers/migrated-pglite.ts'
import { type OtlpReceiver, startOtlpReceiver } from '#test/servers/otlp-receiver.ts'
import { hasRedis, startRedis, type TestRedis } from '#test/servers/redis.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'

/** The product in one process against a simulated provider that bills, with a collector for its traces. */
describe.skipIf(!hasRedis)(`money and traces${hasRedis ? '' : ' (needs redis-server)'}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'money-'))
  const KEY = 'admin-key-of-the-money-test'
  let redis: TestRedis
  let simulator: Simulator
  let collector: OtlpReceiver
  let platform: Platform
  let client: Client
  let names = 0
  const setBudgets = (budgets: object) => {
    const config = TenantConfig.parse({ budgets, policies: { cache: false } })
    return platform.doors.tenants.update('default', { config })
  }
  const ask = async (conversationId = `conversation-${++names}`) => {
    const body = 'What colour is the Zanzibar box of my friend Ada Lovelace?'
    const ticket = { body, conversationId, requester: { id: `ada-${conversationId}`, tier: 'free' } }
    const { body: accepted, status } = await client.request('POST', '/v1/tickets', ticket)
    expect(status).toBe(202)
    const { runId, ticketId } = accepted as { runId: string; ticketId: string }
    const deadline = performance.now() + 30_000
    for (;;) {
      const run = (await client.request('GET', `/v1/runs/${runId}`)).body as Timeline
      if (['answered', 'waiting', 'closed', 'dead'].includes(run.status)) return { run, ticketId }
      if (performance.now() > deadline) throw new Error(`still ${run.status} in ${run.step}`)
      await sleep(50)
    }
  }
  const reservations = async (runId: string) => {
    await platform.doors.budget.closeExpired()
    for (const deadline = performance.now() + 10_000; ; await sleep(20)) {
      const rows = await platform.doors.database.forTenant(
        'default',
        'SELECT state, purpose, cost_nano_usd AS cost FROM budget_reservations WHERE tenant_id = $1 AND run_id = $2',
        [runId],
      )
      if (performance.now() > deadline || rows.every(({ state }) => state !== 'open')) return rows
    }
  }

  beforeAll(async () => {
    redis = await startRedis()
    simulator = await startSimulator()
    collector = await startOtlpReceiver()
    const config = readConfig({
      PORT: '0',
      DATA_DIR: folder,
      REDIS_URL: redis.socket,
      ADMIN_API_KEY: KEY,
      LOG_LEVEL: 'silent',
      OPENAI_API_KEY: 'simulated',
      OPENAI_BASE_URL: `${simulator.url}/v1`,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    })
    await putMigratedPglite(folder)
    platform = await startPlatform({ config, roles: { api: true, work: true }, log: createLog('silent') })
    client = apiClient(platform.url, KEY)
    const text = 'The Zanzibar box is blue. The colour of every Zanzibar box is blue, and its lid is blue, too.'
    await client.request('POST', '/v1/documents', { id: 'kb-1', title: 'What colour is the Zanzibar box?', text })
    for (const deadline = performance.now() + 30_000; ; await sleep(50)) {
      const { body } = await client.request('GET', '/v1/documents/kb-1')
      if ((body as { state: string }).state === 'indexed') break
      if (performance.now() > deadline) throw new Error('the article was not indexed')
    }
  })
  afterAll(async () => {
    await platform?.stop()
    await Promise.all([simulator?.close(), collector?.close(), redis?.stop()])
    rmSync(folder, { recursive: true, force: true })
  })

  test('every call of a ticket is set aside, settled at what the provider billed, and reported to the cent', async () => {
    await setBudgets({})
    const before = simulator.meter().costUsd
    const { run } = await ask()
    const billed = simulator.meter().costUsd - before
    const rows = await reservations(run.runId)
    expect(rows.length).toBeGreaterThan(0)
    expect(rows.every(({ state }) => state === 'settled')).toBe(true)
    expect(rows.reduce((sum, { cost }) => sum + Number(cost), 0) / 1e9).toBeCloseTo(billed, 8)
    // The journal keeps eight decimals of a dollar.
    expect(run.usage.costUsd).toBeCloseTo(billed, 7)
    expect(billed).toBeGreaterThan(0)
  })

  test('without money the ticket goes down the ladder, nobody is asked, and the timeline says why', async () => {
    await setBudgets({ conversationUsd: 0.000001 })
    const before = simulator.meter().calls
    const { run } = await ask()
    expect(simulator.meter().calls).toBe(before)
    expect(['answered', 'waiting']).toContain(run.status)
    const reasons = run.budgetRefusals.map(({ reason }) => reason)
    expect(reasons.at(-1)).toMatch(/^conversation: 0\.000001 of 0\.000001 USD left; next: (?:extractive|person)$/)
    expect((await reservations(run.runId)).every(({ state }) => state === 'refused')).toBe(true)
  })

  test('a flush of Redis gives no money back', async () => {
    await setBudgets({ customer: { free: { dayUsd: 1, monthUsd: 1 } }, conversationUsd: 1 })
    const conversation = `conversation-${++names}`
    const { run } = await ask(conversation)
    const spent = (await reservations(run.runId)).reduce((sum, { cost }) => sum + Number(cost), 0) / 1e9
    await setBudgets({ customer: { free: { dayUsd: spent + 1e-6, monthUsd: 1 } }, conversationUsd: 1 })
    await redis.flush()
    const calls = simulator.meter().calls
    const { run: second } = await ask(conversation)
    expect(simulator.meter().calls).toBe(calls)
    expect(second.budgetRefusals[0]!.reason).toContain('customer-day')
  })

  test('what is set aside is on the scrape page, and nothing is when nothing is under way', async () => {
    const page = String((await client.request('GET', '/metrics')).body)
    expect(page).toMatch(/^answerline_budget_open_reservations 0$/m)
    expect(page).toMatch(/^answerline_budget_held_usd 0$/m)
  })

  test('a run is one trace: its attempts under the run, its model calls under their attempt, and nobody’s words', async () => {
    await setBudgets({})
    const { run } = await ask()
    await platform.stop()
    const spans = collector.spans.filter(({ traceId }) => traceId === run.traceId)
    const attempts = spans.filter(({ name }) => name.startsWith('support-ticket.'))
    expect(attempts.map(({ attributes }) => attributes['answerline.step'])).toEqual(
      expect.arrayContaining(['screen', 'classify']),
    )
    expect(new Set(attempts.map(({ parentSpanId }) => parentSpanId)).size).toBe(1)
    const calls = spans.filter(({ attributes }) => attributes['gen_ai.operation.name'] === 'chat')
    expect(calls.length).toBeGreaterThan(0)
    for (const call of calls) expect(attempts.map(({ spanId }) => spanId)).toContain(call.parentSpanId)
    expect(calls.reduce((sum, { attributes }) => sum + Number(attributes['answerline.cost_usd']), 0)).toBeCloseTo(
      run.usage.costUsd,
      7,
    )
    // A run that waits for a person has not ended, so its own span comes later.
    if (run.status === 'answered') expect(spans.filter(({ name }) => name === 'support-ticket')).toHaveLength(1)
    expect(collector.bodies.join()).not.toMatch(/lovelace|zanzibar|ada-/i)
  })
})

type Timeline = {
  readonly runId: string
  readonly traceId: string
  readonly status: string
  readonly step: string
  readonly usage: { readonly costUsd: number }
  readonly budgetRefusals: readonly { readonly reason: string }[]
}
