import * as z from 'zod'
import type { Database, Row } from '#shared/database/client.ts'
import { RunStatus } from '#shared/domain/run.ts'
import { Lane } from '#shared/domain/ticket.ts'
import type { ConsoleStore, RecentTicket, RecordedCall } from '#shared/ports/console-store.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { createAesGcmSealer } from '../sealing/sealer.aes-gcm.ts'
import { openFacts } from './sealed-facts.ts'

const MAX_OPENING_CHARACTERS = 160
const GAUGES = 'gauges count the whole installation and show no tenant’s data'
const ACTIVE = `('queued', 'running', 'delayed', 'parked', 'waiting')`

const BY_STATUS = `
  SELECT status, count(*) AS count FROM runs
  WHERE tenant_id = $1 AND pipeline = 'support-ticket' AND (status IN ${ACTIVE} OR created_at >= $2) GROUP BY status`

const FIGURES = `
  SELECT (SELECT count(*) FROM escalations WHERE tenant_id = $1 AND resolution IS NULL) AS escalations,
    (SELECT count(*) FROM dead_letters WHERE tenant_id = $1 AND redriven_at IS NULL) AS dead_letters,
    (SELECT count(*) FROM model_calls WHERE tenant_id = $1 AND created_at >= $2) AS model_calls,
    (SELECT coalesce(sum(cost_usd), 0) FROM model_calls WHERE tenant_id = $1 AND created_at >= $2) AS cost_usd`

/** The ticket itself stands unmasked in the log; only what `screen` and `classify` made of it is read here. What customers wrote is sealed, masked or not. */
const RECENT = `
  WITH recent AS (
    SELECT t.id, t.run_id, t.created_at, r.status, r.step, r.lane, r.ended_at
    FROM tickets t JOIN runs r ON r.id = t.run_id AND r.tenant_id = t.tenant_id
    WHERE t.tenant_id = $1 AND ($2::text IS NULL OR r.status = $2) ORDER BY t.created_at DESC, t.id DESC LIMIT $3)
  SELECT recent.*, screened.fact AS screened,
    triage.fact->>'intent' AS intent, triage.fact->>'severity' AS severity, coalesce(cost.usd, 0) AS cost_usd
  FROM recent
  LEFT JOIN LATERAL (SELECT facts_written->'screened' AS fact FROM attempts
    WHERE run_id = recent.run_id AND jsonb_exists(facts_written, 'screened') ORDER BY seq DESC LIMIT 1) screened ON true
  LEFT JOIN LATERAL (SELECT facts_written->'triage' AS fact FROM attempts
    WHERE run_id = recent.run_id AND jsonb_exists(facts_written, 'triage') ORDER BY seq DESC LIMIT 1) triage ON true
  LEFT JOIN LATERAL (SELECT sum(cost_usd) AS usd FROM model_calls WHERE run_id = recent.run_id) cost ON true
  ORDER BY recent.created_at DESC, recent.id DESC`

const CALLS = 'SELECT * FROM model_calls WHERE tenant_id = $1 AND run_id = $2 ORDER BY created_at, failed_try'

const RUNS = `SELECT pipeline, status, count(*) AS count FROM runs WHERE status IN ${ACTIVE} GROUP BY pipeline, status`
const OVERDUE = `
  SELECT pipeline, step, count(*) AS count, extract(epoch FROM $1::timestamptz - min(due_at))::float8 AS seconds FROM runs
  WHERE status IN ${ACTIVE} AND status NOT IN ('parked', 'waiting') AND due_at <= $1 GROUP BY pipeline, step`
const DEAD_LETTERS =
  'SELECT pipeline, step, count(*) AS count FROM dead_letters WHERE redriven_at IS NULL GROUP BY pipeline, step'
const ESCALATIONS = `
  SELECT count(*) AS count, coalesce(extract(epoch FROM $1::timestamptz - min(created_at)), 0)::float8 AS seconds
  FROM escalations WHERE resolution IS NULL`

export function createConsoleStore(database: Database, sealer: Sealer = createAesGcmSealer([])): ConsoleStore {
  return {
    async figures(tenantId, since) {
      const [statuses, [row = {}]] = await Promise.all([
        database.forTenant(tenantId, BY_STATUS, [since]),
        database.forTenant(tenantId, FIGURES, [since]),
      ])
      return {
        byStatus: statuses.map(({ status, count }) => ({ status: RunStatus.parse(status), count: Number(count) })),
        openEscalations: Number(row.escalations),
        openDeadLetters: Number(row.dead_letters),
        modelCalls: Number(row.model_calls),
        costUsd: Number(row.cost_usd),
      }
    },
    async recentTickets(tenantId, { status, limit }) {
      return (await database.forTenant(tenantId, RECENT, [status ?? null, limit])).map((row) =>
        toRecentTicket(row, openScreened(sealer, tenantId, row)),
      )
    },
    async modelCalls(tenantId, runId) {
      return (await database.forTenant(tenantId, CALLS, [runId])).map(toRecordedCall)
    },
    async installation(now) {
      const [runs, overdue, letters, [escalations = {}]] = await Promise.all([
        database.asSystem(GAUGES, RUNS),
        database.asSystem(GAUGES, OVERDUE, [now]),
        database.asSystem(GAUGES, DEAD_LETTERS),
        database.asSystem(GAUGES, ESCALATIONS, [now]),
      ])
      const place = (row: Row) => ({ pipeline: String(row.pipeline), step: String(row.step), count: Number(row.count) })
      return {
        runs: runs.map((row) => ({ pipeline: String(row.pipeline), status: String(row.status), count: Number(row.count) })),
        overdue: overdue.map((row) => ({ ...place(row), seconds: Number(row.seconds) })),
        deadLetters: letters.map(place),
        escalations: { count: Number(escalations.count), oldestSeconds: Number(escalations.seconds) },
      }
    },
  }
}

const text = z.string().nullable()

const Opening = z.object({ subject: z.string(), text: z.string() }).partial().nullish()

function openScreened(sealer: Sealer, tenantId: string, { run_id, screened }: Row): z.infer<typeof Opening> {
  return Opening.parse(openFacts(sealer, tenantId, String(run_id), { screened })['screened'])
}

const toRecentTicket = (row: Row, screened: z.infer<typeof Opening>): RecentTicket => ({
  ticketId: String(row.id),
  runId: String(row.run_id),
  status: RunStatus.parse(row.status),
  step: String(row.step),
  lane: Lane.parse(row.lane),
  subject: screened?.subject ?? null,
  opening: screened?.text?.slice(0, MAX_OPENING_CHARACTERS).toWellFormed() ?? null,
  intent: text.parse(row.intent),
  severity: text.parse(row.severity),
  costUsd: Number(row.cost_usd),
  createdAt: z.date().parse(row.created_at),
  endedAt: z.date().nullable().parse(row.ended_at),
})

const toRecordedCall = (row: Row): RecordedCall => ({
  step: String(row.step),
  visit: Number(row.visit),
  task: String(row.task),
  tier: String(row.tier),
  promptId: String(row.prompt_id),
  promptVersion: Number(row.prompt_version),
  provider: String(row.provider),
  model: String(row.model),
  failureCode: row.failure === null ? null : z.object({ code: z.string() }).parse(row.failure).code,
  usage: {
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    cacheReadTokens: Number(row.cache_read_tokens),
    cacheWriteTokens: Number(row.cache_write_tokens),
  },
  costUsd: Number(row.cost_usd),
  latencyMs: Number(row.latency_ms),
  createdAt: z.date().parse(row.created_at),
})
