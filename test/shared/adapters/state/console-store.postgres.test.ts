import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAesGcmSealer } from '#shared/adapters/sealing/sealer.aes-gcm.ts'
import { createConsoleStore } from '#shared/adapters/state/console-store.postgres.ts'
import { sealFacts } from '#shared/adapters/state/sealed-facts.ts'
import { Database } from '#shared/database/client.ts'
import { openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { migrate } from '#shared/database/migrate.ts'

const NOW = new Date('2026-11-20T12:00:00Z')
const before = (seconds: number) => new Date(NOW.getTime() - seconds * 1_000)
const sealer = createAesGcmSealer([Buffer.alloc(32, 'console')])
let database: Database

const insertRun = (id: string, tenant: string, status: string, step: string, dueAt: Date, createdAt: Date) =>
  database.forTenant(
    tenant,
    `INSERT INTO runs (tenant_id, id, status, step, due_at, created_at, pipeline, version, subject_id, lane, seq, attempt, visits, loops, rescues,
       trace_id, deadline_at, check_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 'support-ticket', 1, 's', 'standard', 1, 1, '{}', '{}', 0, 't', $5, $5, $6)`,
    [id, status, step, dueAt, createdAt],
  )
const insertTicket = (id: string, tenant: string, runId: string, createdAt: Date) =>
  database.forTenant(tenant, `INSERT INTO tickets VALUES ($2, $1, $3, 'c', 'r', $4) RETURNING tenant_id`, [id, runId, createdAt])
const insertFacts = (runId: string, tenant: string, seq: number, facts: object) =>
  database.forTenant(
    tenant,
    `INSERT INTO attempts (tenant_id, run_id, seq, step, attempt, visit, result, facts_written, next, started_at, ended_at, worker)
     VALUES ($1, $2, $3, 'screen', 1, 1, 'clean', $4::jsonb, '{}', $5, $5, 'w')`,
    [runId, seq, JSON.stringify(facts), NOW],
  )
const insertCall = (runId: string, tenant: string, failedTry: number, failure: object | null, createdAt: Date) =>
  database.forTenant(
    tenant,
    `INSERT INTO model_calls (tenant_id, run_id, step, visit, request_hash, failed_try, task, tier, prompt_id, prompt_version, prompt_hash, provider,
       model, reply, failure, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, latency_ms, created_at)
     VALUES ($1, $2, 'generate', 1, 'h', $3, 'generate', 'cheap', 'generate', 2, 'ph', 'openai', 'gpt-6-luna', 'secret reply', $4::jsonb, 100, 20, 10, 0, 0.25, 900, $5)`,
    [runId, failedTry, failure && JSON.stringify(failure), createdAt],
  )

beforeAll(async () => {
  database = new Database(await openPgliteInMemory())
  await migrate(database)
  await insertRun('run_1', 'acme', 'running', 'generate', before(90), before(120))
  await insertRun('run_2', 'acme', 'answered', 'deliver', before(60), before(3_600))
  await insertRun('run_3', 'acme', 'answered', 'deliver', before(60), before(200_000))
  await insertRun('run_4', 'other', 'waiting', 'escalate', before(5), before(500))
  await insertTicket('tkt_1', 'acme', 'run_1', before(120))
  await insertTicket('tkt_2', 'acme', 'run_2', before(3_600))
  await insertTicket('tkt_4', 'other', 'run_4', before(500))
  await insertFacts('run_1', 'acme', 0, { ticket: { subject: 'RAW', body: 'RAW' } })
  const screened = { subject: 'About [EMAIL_1]', text: `Hello [EMAIL_1] ${'x'.repeat(500)}` }
  await insertFacts('run_1', 'acme', 1, sealFacts(sealer, 'acme', 'run_1', { screened }))
  await insertFacts('run_1', 'acme', 2, { triage: { intent: 'refund_status', severity: 'P2' } })
  await insertCall('run_1', 'acme', 0, null, before(80))
  await insertCall('run_1', 'acme', 1, { kind: 'retryable', code: 'provider-overloaded', message: 'm' }, before(85))
  await insertCall('run_4', 'other', 0, null, before(80))
  await database.forTenant(
    'acme',
    `INSERT INTO dead_letters VALUES ('dl_1', $1, 'run_1', 4, 'support-ticket', 'generate', 'c', 'm', $2, NULL),
      ('dl_2', $1, 'run_1', 5, 'support-ticket', 'generate', 'c', 'm', $2, $2) RETURNING tenant_id`,
    [before(10)],
  )
  await database.forTenant(
    'other',
    `INSERT INTO escalations (tenant_id, id, run_id, ticket_id, visit, severity, reason, summary, evidence, created_at, expires_at)
     VALUES ($1, 'esc_1', 'run_4', 'tkt_4', 1, 'P1', 'r', 's', '[]', $2, $3)`,
    [before(300), NOW],
  )
})
afterAll(() => database.close())

test('figures count a tenant’s runs that are active or recent, its open letters and its spending, and nobody else’s', async () => {
  const figures = await createConsoleStore(database).figures('acme', before(86_400))
  expect(figures.byStatus.toSorted((a, b) => a.status.localeCompare(b.status))).toEqual([
    { status: 'answered', count: 1 },
    { status: 'running', count: 1 },
  ])
  expect(figures).toMatchObject({ openDeadLetters: 1, openEscalations: 0, modelCalls: 2, costUsd: 0.5 })
})

test('recent tickets come latest first, with masked text only', async () => {
  const tickets = await createConsoleStore(database, sealer).recentTickets('acme', { limit: 50 })
  expect(tickets.map(({ ticketId }) => ticketId)).toEqual(['tkt_1', 'tkt_2'])
  expect(tickets[0]).toMatchObject({ subject: 'About [EMAIL_1]', intent: 'refund_status', severity: 'P2', costUsd: 0.5 })
  expect(tickets[0]?.opening).toHaveLength(160)
  expect(tickets[1]).toMatchObject({ subject: null, opening: null, intent: null, costUsd: 0 })
  expect(JSON.stringify(tickets)).not.toContain('RAW')
})

test('recent tickets can be asked for by status', async () => {
  const tickets = await createConsoleStore(database).recentTickets('acme', { status: 'answered', limit: 50 })
  expect(tickets.map(({ ticketId }) => ticketId)).toEqual(['tkt_2'])
})

test('model calls come oldest first, failed ones with their code, without the reply, and for their own tenant only', async () => {
  const store = createConsoleStore(database)
  const calls = await store.modelCalls('acme', 'run_1')
  expect(calls.map(({ failureCode }) => failureCode)).toEqual(['provider-overloaded', null])
  expect(calls[1]).toMatchObject({
    provider: 'openai',
    usage: { inputTokens: 100, cacheReadTokens: 10 },
    costUsd: 0.25,
    latencyMs: 900,
  })
  expect(JSON.stringify(calls)).not.toContain('secret reply')
  expect(await store.modelCalls('acme', 'run_4')).toEqual([])
})

test('the installation’s figures count all tenants', async () => {
  const { runs, overdue, deadLetters, escalations } = await createConsoleStore(database).installation(NOW)
  expect(runs).toContainEqual({ pipeline: 'support-ticket', status: 'waiting', count: 1 })
  expect(overdue).toEqual([{ pipeline: 'support-ticket', step: 'generate', count: 1, seconds: 90 }])
  expect(deadLetters).toEqual([{ pipeline: 'support-ticket', step: 'generate', count: 1 }])
  expect(escalations).toEqual({ count: 1, oldestSeconds: 300 })
})
