import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { groupCommit } from '#shared/database/group-commit.ts'
import { toJson } from '#shared/database/json.ts'
import { Failure } from '#shared/domain/failure.ts'
import { Attempt, DISPATCHED, ENDED, type Run, RunState } from '#shared/domain/run.ts'
import type { DeadLetter, DeadLetterFilter, Hop, NewRun, RunGlance, RunLog } from '#shared/ports/run-log.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { createAesGcmSealer } from '../sealing/sealer.aes-gcm.ts'
import { insertRuns, newRunRows } from './run-rows.ts'
import { type Facts, openFacts, sealFacts } from './sealed-facts.ts'

const RunRow = RunState.omit({ deadlineAt: true }).extend({
  id: z.string(),
  tenant_id: z.string(),
  pipeline: z.string(),
  version: z.int(),
  subject_id: z.string(),
  trace_id: z.string(),
  deadline_at: z.date(),
  due_at: z.date(),
  created_at: z.date(),
  updated_at: z.date(),
  ended_at: z.date().nullable(),
  facts: z.array(z.record(z.string(), z.unknown())).nullable(),
})

const LOAD = `
  SELECT r.*, (SELECT json_agg(a.facts_written ORDER BY a.seq) FROM attempts a WHERE a.run_id = r.id AND a.facts_written <> '{}') AS facts
  FROM runs r WHERE r.id = ANY($1)`

/**
 * One statement a hop, many hops a statement: the run moves only if nobody has moved it since, and log and dead letter go with it.
 * The list of ids says nothing new, but makes PostgreSQL look the runs up one by one: it takes the rows of a function for many
 * and would read the whole table of some thousand runs instead.
 */
const RECORD = `
  WITH hop AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS h(
      run_id text, tenant_id text, pipeline text, seq int, step text, attempt int, visit int, result text, failure jsonb, facts_written jsonb,
      next jsonb, due_at timestamptz, delay_ms double precision, dead_letter jsonb, started_at timestamptz, ended_at timestamptz, worker text)
  ), moved AS (
    UPDATE runs r SET
      status = h.next->>'status', step = h.next->>'step', seq = (h.next->>'seq')::int, attempt = (h.next->>'attempt')::int,
      visits = h.next->'visits', loops = h.next->'loops', rescues = (h.next->>'rescues')::int,
      deadline_at = (h.next->>'deadlineAt')::timestamptz, due_at = h.due_at, check_at = now() + h.delay_ms * interval '1 millisecond', updated_at = h.ended_at,
      ended_at = CASE WHEN h.next->>'status' = ANY($2) THEN h.ended_at END, held = false
    FROM hop h WHERE r.id = h.run_id AND r.seq = h.seq AND r.id = ANY(ARRAY(SELECT run_id FROM hop))
    RETURNING h.*
  ), logged AS (
    INSERT INTO attempts (run_id, seq, tenant_id, step, attempt, visit, result, failure, facts_written, next, started_at, ended_at, worker)
    SELECT run_id, seq + 1, tenant_id, step, attempt, visit, result, failure, facts_written, next, started_at, ended_at, worker FROM moved
  ), letters AS (
    INSERT INTO dead_letters (id, tenant_id, run_id, seq, pipeline, step, code, message, created_at)
    SELECT dead_letter->>'id', tenant_id, run_id, seq + 1, pipeline, dead_letter->>'step', dead_letter->>'code', dead_letter->>'message', ended_at
    FROM moved WHERE dead_letter IS NOT NULL
  )
  SELECT run_id FROM moved`

const GLANCE = 'id, tenant_id, pipeline, step, seq, status, due_at, lane'
const ENGINE = 'the engine moves runs of every tenant; each is named by its id and guarded by its seq'

export function createRunLog(database: Database, sealer: Sealer = createAesGcmSealer([])): RunLog {
  const load = groupCommit(
    async (ids: readonly string[]) => {
      const rows = await database.asSystem(ENGINE, LOAD, [[...new Set(ids)]], 'run-load')
      const runs = new Map(rows.map((row) => [String(row.id), toRun(row, sealer)]))
      return ids.map((id) => runs.get(id))
    },
    { maxItems: 100, maxInFlight: 4 },
  )

  const record = groupCommit(
    async (hops: readonly Hop[]) => {
      const rows = await database.asSystem(
        ENGINE,
        RECORD,
        [toJson(hops.map((hop) => toHopRow(hop, sealer))), ENDED],
        'run-record',
      )
      const moved = new Set(rows.map((row) => String(row.run_id)))
      return hops.map((hop) => moved.has(hop.runId))
    },
    // Two hops of one run in one statement would both see the old seq.
    { maxItems: 100, maxInFlight: 4, keyOf: (hop) => hop.runId },
  )

  return {
    begin: async (runs: readonly NewRun[]) => {
      await database.asSystem(ENGINE, `WITH ${insertRuns('$1')} SELECT 1`, [toJson(newRunRows(runs, sealer))])
    },
    load,
    record,
    async seqs(runIds) {
      const rows = await database.asSystem(ENGINE, 'SELECT id, seq FROM runs WHERE id = ANY($1)', [runIds], 'run-seqs')
      return new Map(rows.map((row) => [String(row.id), Number(row.seq)]))
    },
    async dispatched(overdueMs, limit) {
      const sql = `SELECT ${GLANCE} FROM runs WHERE status = ANY($1) AND status IN ('queued', 'running', 'delayed', 'parked', 'waiting') AND NOT held AND check_at <= now() - $2 * interval '1 millisecond' ORDER BY check_at LIMIT $3`
      return (await database.asSystem(ENGINE, sql, [DISPATCHED, overdueMs, limit])).map(toGlance)
    },
    async checked(runIds, restMs) {
      await database.asSystem(ENGINE, "UPDATE runs SET check_at = now() + $2 * interval '1 millisecond' WHERE id = ANY($1)", [
        runIds,
        restMs,
      ])
    },
    async checkAll(withinMs) {
      const sql = `
        UPDATE runs SET check_at = '-infinity'
        WHERE status IN ('queued', 'running', 'delayed') AND check_at <= now() + $1 * interval '1 millisecond'`
      await database.asSystem(ENGINE, sql, [withinMs])
    },
    async expired(now, limit) {
      const sql = `SELECT ${GLANCE} FROM runs WHERE status IN ('waiting', 'parked') AND due_at <= $1 ORDER BY due_at LIMIT $2`
      return (await database.asSystem(ENGINE, sql, [now, limit])).map(toGlance)
    },
    async anyHeld() {
      const rows = await database.asSystem(ENGINE, 'SELECT EXISTS (SELECT FROM runs WHERE held) AS any', [], 'run-any-held')
      return rows[0]?.any === true
    },
    async release(limit) {
      return (await database.asSystem(ENGINE, RELEASE, [limit], 'run-release')).map(toGlance)
    },
    async attempts(tenantId, runId) {
      const rows = await database.forTenant(
        tenantId,
        'SELECT * FROM attempts WHERE tenant_id = $1 AND run_id = $2 ORDER BY seq',
        [runId],
      )
      return rows.map((row) => toAttempt(row, sealer))
    },
    async backlog() {
      const rows = await database.asSystem('counts for gauges and fairness, by tenant', BACKLOG)
      return rows.map((row) => ({
        tenantId: String(row.tenant_id),
        status: String(row.status),
        pipeline: String(row.pipeline),
        count: Number(row.count),
      }))
    },
    async deadLetters(tenantId, filter) {
      const sql = `
        SELECT * FROM dead_letters WHERE tenant_id = $1 AND ($2::text[] IS NULL OR id = ANY($2)) AND ($3::text IS NULL OR step = $3)
          AND ($4::text IS NULL OR code = $4) AND (NOT $5 OR redriven_at IS NULL) ORDER BY created_at DESC LIMIT $6`
      return (await database.forTenant(tenantId, sql, filterParams(filter))).map(toDeadLetter)
    },
    async markRedriven(tenantId, id, at) {
      await database.forTenant(tenantId, 'UPDATE dead_letters SET redriven_at = $3 WHERE tenant_id = $1 AND id = $2', [id, at])
    },
  }
}

/**
 * In turns, the oldest of each tenant first. The tenants are found by skipping through the index from one to the next (PostgreSQL
 * wiki, "Loose indexscan"): a hundred thousand held rows of one tenant cost no more than one. A row that another process is
 * releasing at this moment is left to it.
 */
const RELEASE = `
  WITH RECURSIVE tenant AS (
    (SELECT tenant_id FROM runs WHERE held ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT tenant_id FROM runs WHERE held AND tenant_id > t.tenant_id ORDER BY tenant_id LIMIT 1) FROM tenant t
    WHERE t.tenant_id IS NOT NULL
  ), next AS (
    SELECT turns.id FROM tenant t CROSS JOIN LATERAL (
      SELECT oldest.id, row_number() OVER (ORDER BY oldest.created_at) AS turn FROM (
        SELECT id, created_at FROM runs WHERE tenant_id = t.tenant_id AND held ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED
      ) oldest) turns
    ORDER BY turns.turn LIMIT $1)
  UPDATE runs r SET held = false, check_at = now() FROM next WHERE r.id = next.id
  RETURNING ${GLANCE.replace(/\w+/g, 'r.$&')}`

const BACKLOG = `
  SELECT tenant_id, status, pipeline, count(*) AS count FROM runs
  WHERE status IN ('queued', 'running', 'delayed', 'parked', 'waiting') GROUP BY tenant_id, status, pipeline`

const filterParams = (filter: DeadLetterFilter & { readonly open?: boolean }) => [
  filter.ids ?? null,
  filter.step ?? null,
  filter.code ?? null,
  filter.open ?? false,
  filter.limit,
]

const toHopRow = (hop: Hop, sealer: Sealer) => ({
  run_id: hop.runId,
  tenant_id: hop.tenantId,
  pipeline: hop.pipeline,
  seq: hop.seq,
  step: hop.step,
  attempt: hop.attempt,
  visit: hop.visit,
  result: hop.result,
  failure: hop.failure,
  facts_written: sealFacts(sealer, hop.tenantId, hop.runId, hop.factsWritten),
  next: hop.next,
  due_at: hop.dueAt,
  delay_ms: Math.max(0, hop.dueAt.getTime() - hop.endedAt.getTime()),
  dead_letter: hop.deadLetter,
  started_at: hop.startedAt,
  ended_at: hop.endedAt,
  worker: hop.worker,
})

function toRun(row: unknown, sealer: Sealer): Run {
  const { tenant_id, subject_id, trace_id, deadline_at, due_at, created_at, updated_at, ended_at, facts, ...rest } =
    RunRow.parse(row)
  return {
    ...rest,
    tenantId: tenant_id,
    subjectId: subject_id,
    traceId: trace_id,
    deadlineAt: deadline_at,
    dueAt: due_at,
    createdAt: created_at,
    updatedAt: updated_at,
    endedAt: ended_at,
    facts: openFacts(sealer, tenant_id, rest.id, Object.assign({}, ...(facts ?? []))),
  }
}

const toGlance = (row: Record<string, unknown>): RunGlance => ({
  id: String(row.id),
  tenantId: String(row.tenant_id),
  pipeline: String(row.pipeline),
  step: String(row.step),
  seq: Number(row.seq),
  status: RunState.shape.status.parse(row.status),
  dueAt: z.date().parse(row.due_at),
  lane: RunState.shape.lane.parse(row.lane),
})

function toAttempt(row: Record<string, unknown>, sealer: Sealer): Attempt {
  return Attempt.parse({
    runId: row.run_id,
    seq: row.seq,
    step: row.step,
    attempt: row.attempt,
    visit: row.visit,
    result: row.result,
    failure: row.failure === null ? null : Failure.parse(row.failure),
    factsWritten: openFacts(sealer, String(row.tenant_id), String(row.run_id), row.facts_written as Facts),
    next: row.next,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    worker: row.worker,
  })
}

const toDeadLetter = (row: Record<string, unknown>): DeadLetter => ({
  id: String(row.id),
  tenantId: String(row.tenant_id),
  runId: String(row.run_id),
  pipeline: String(row.pipeline),
  step: String(row.step),
  code: String(row.code),
  message: String(row.message),
  createdAt: z.date().parse(row.created_at),
  redrivenAt: z.date().nullable().parse(row.redriven_at),
})
