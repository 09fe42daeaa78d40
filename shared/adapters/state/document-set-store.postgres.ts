import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { toJson } from '#shared/database/json.ts'
import { DigestResult } from '#shared/domain/digest.ts'
import { ItemFailure, SetOrder, SetProgress, SetState } from '#shared/domain/document-set.ts'
import { ENDED } from '#shared/domain/run.ts'
import type { DocumentSet, DocumentSetStore, NewDocumentSet, SetItem } from '#shared/ports/document-set-store.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { createAesGcmSealer } from '../sealing/sealer.aes-gcm.ts'
import { createDocumentSetRemoval } from './document-set-removal.postgres.ts'
import { insertRuns, newRunRows } from './run-rows.ts'

const KEEPER = 'the keeper ends and cancels sets of every tenant; each is named by its id'

const SetRow = SetProgress.extend({
  id: z.string(),
  tenant_id: z.string(),
  spec: SetOrder,
  state: SetState,
  schedule_id: z.string().nullable(),
  created_at: z.date(),
  ended_at: z.date().nullable(),
})
const ItemRow = z.object({
  position: z.int(),
  run_id: z.string(),
  document_id: z.string().nullable(),
  title: z.string(),
  state: z.enum(['open', 'done', 'failed', 'cancelled']),
  result: DigestResult.nullable(),
  failure: ItemFailure.nullable(),
})

export function createDocumentSetStore(database: Database, sealer: Sealer = createAesGcmSealer([])): DocumentSetStore {
  const query = database.forTenant.bind(database)
  return {
    ...createDocumentSetRemoval(database),
    create: async (set) => (await query(set.tenantId, CREATE, createParams(set))).length > 0,
    async select(tenantId, { product, audience, language, idPrefix, changedSince }, { limit, changedFor }) {
      const since = changedSince === 'last-run' ? null : (changedSince ?? null)
      const params = [
        product ?? null,
        audience ?? null,
        language ?? null,
        idPrefix ?? null,
        since,
        changedFor ?? null,
        ENDED_BADLY,
        limit,
      ]
      const rows = await query(tenantId, SELECT, params)
      return rows.map((row) => ({ documentId: String(row.id), contentHash: String(row.content_hash) }))
    },
    async find(tenantId, setId) {
      const [row] = await query(tenantId, `${SETS} WHERE s.tenant_id = $1 AND s.id = $2 AND s.deleted_at IS NULL`, [setId])
      return row && toSet(row)
    },
    async list(tenantId, { before, limit }) {
      const sql = `${SETS} WHERE s.tenant_id = $1 AND s.deleted_at IS NULL AND ($2::text IS NULL OR (s.created_at, s.id) < (SELECT created_at, id FROM document_sets
        WHERE tenant_id = $1 AND id = $2)) ORDER BY s.created_at DESC, s.id DESC LIMIT $3`
      return (await query(tenantId, sql, [before ?? null, limit])).map(toSet)
    },
    async money(tenantId, setId) {
      const [row] = await query(tenantId, MONEY, [setId])
      return { costUsd: Number(row?.cost ?? 0), savedUsd: Number(row?.saved ?? 0) }
    },
    async items(tenantId, setId, { after, limit, only }) {
      const wanted = only === 'failed' ? ['failed'] : ['done', 'failed', 'cancelled']
      return (await query(tenantId, ITEMS, [setId, after, wanted, limit])).map(toItem)
    },
    async cancel(tenantId, setId) {
      const sql = `WITH moved AS (
          UPDATE document_sets SET state = 'cancelling' WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL AND state = 'running' RETURNING state
        ) SELECT state FROM moved UNION ALL SELECT state FROM document_sets
        WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM moved)`
      const [row] = await query(tenantId, sql, [setId])
      return row && SetState.parse(row.state)
    },
    async toCancel(limit) {
      const sql = `SELECT i.run_id FROM document_sets s JOIN document_set_items i ON i.set_id = s.id JOIN runs r ON r.id = i.run_id
        WHERE s.state = 'cancelling' AND i.state = 'open' AND r.step <> 'collect' AND NOT (r.status = ANY($1)) LIMIT $2`
      return (await database.asSystem(KEEPER, sql, [ENDED, limit])).map((row) => String(row.run_id))
    },
    async endable(limit) {
      const sql = `SELECT s.tenant_id, s.id FROM document_sets s WHERE s.state IN ('running', 'cancelling')
        AND s.deleted_at IS NULL AND ${AT_ITS_END('$1')}
        ORDER BY s.created_at LIMIT $2`
      const rows = await database.asSystem(KEEPER, sql, [ENDED, limit])
      return rows.map((row) => ({ tenantId: String(row.tenant_id), id: String(row.id) }))
    },
    async end(set, to, at, callback) {
      const runs = toJson(callback ? newRunRows([callback], sealer) : [])
      return (await query(set.tenantId, END, [set.id, set.state, to, at, ENDED, runs])).length > 0
    },
  }
}

/** Not cancelled and not dead: such a run has handled its document or will. */
const ENDED_BADLY = ['dead', 'cancelled']

const AT_ITS_END = (ended: string) => `NOT EXISTS (SELECT 1 FROM document_set_items i JOIN runs r ON r.id = i.run_id
  WHERE i.set_id = s.id AND i.state = 'open' AND NOT (r.status = ANY(${ended})))`

const CREATE = `
  WITH made AS (
    INSERT INTO document_sets (tenant_id, id, spec, state, total, schedule_id, created_at)
    VALUES ($1, $2, $3::jsonb, 'running', $4, $5, $6) ON CONFLICT (id) DO NOTHING RETURNING id
  ), items AS (
    INSERT INTO document_set_items (set_id, position, tenant_id, run_id, document_id, content_hash, title, inline)
    SELECT $2, n.position, $1, n.run_id, n.document_id, n.content_hash, n.title, n.inline
    FROM jsonb_to_recordset($7::jsonb) AS n(position int, run_id text, document_id text, content_hash text, title text, inline jsonb)
    WHERE EXISTS (SELECT 1 FROM made)
  ), ${insertRuns("(CASE WHEN EXISTS (SELECT 1 FROM made) THEN $8 ELSE '[]' END)")}
  SELECT id FROM made`

const createParams = ({ id, order, scheduleId, createdAt, items }: NewDocumentSet) => [
  id,
  toJson(order),
  items.length,
  scheduleId,
  createdAt,
  toJson(
    items.map(({ position, documentId, contentHash, title, inline, run }) => ({
      position,
      run_id: run.id,
      document_id: documentId,
      content_hash: contentHash,
      title,
      inline,
    })),
  ),
  toJson(newRunRows(items.map(({ run }) => run))),
]

/** What a set has made itself (`madeBy`) would otherwise be digested again every night, and that again. */
const SELECT = `
  SELECT d.id, d.content_hash FROM documents d
  WHERE d.tenant_id = $1 AND d.state = 'indexed' AND NOT (d.metadata ? 'madeBy')
    AND ($2::text IS NULL OR d.product = $2) AND ($3::text IS NULL OR d.audience = $3) AND ($4::text IS NULL OR d.language = $4)
    AND ($5::text IS NULL OR starts_with(d.id, $5)) AND ($6::timestamptz IS NULL OR d.updated_at >= $6)
    AND ($7::text IS NULL OR NOT EXISTS (
      SELECT 1 FROM document_set_items i JOIN document_sets s ON s.id = i.set_id LEFT JOIN runs r ON r.id = i.run_id
      WHERE i.tenant_id = $1 AND i.document_id = d.id AND i.content_hash = d.content_hash AND s.schedule_id = $7
        AND (i.state <> 'open' OR NOT (r.status = ANY($8)))))
  ORDER BY d.id LIMIT $9`

const SETS = `
  SELECT s.*, p.* FROM document_sets s LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE i.state = 'done')::int AS done,
      count(*) FILTER (WHERE i.state = 'failed' OR i.state = 'open' AND r.status = 'dead')::int AS failed,
      count(*) FILTER (WHERE i.state = 'open' AND r.status = 'cancelled')::int AS cancelled,
      count(*) FILTER (WHERE i.state = 'open' AND r.status = 'parked')::int AS parked
    FROM document_set_items i LEFT JOIN runs r ON r.id = i.run_id WHERE i.set_id = s.id
  ) p ON true`

const MONEY = `
  SELECT (SELECT COALESCE(sum(m.cost_usd), 0)::float8 FROM document_set_items i JOIN model_calls m ON m.run_id = i.run_id
      WHERE i.tenant_id = $1 AND i.set_id = $2) AS cost,
    (SELECT COALESCE(sum(q.cost_usd), 0)::float8 FROM document_set_items i JOIN batch_requests q ON q.run_id = i.run_id
      WHERE i.tenant_id = $1 AND i.set_id = $2 AND q.state = 'answered') AS saved`

const ITEMS = `
  SELECT i.position, i.run_id, i.document_id, i.title, e.state, CASE WHEN e.state = 'done' THEN i.result END AS result,
    COALESCE(i.failure, CASE WHEN e.state = 'failed' THEN jsonb_build_object('code', COALESCE(l.code, 'unknown'), 'reason', COALESCE(l.message, '')) END) AS failure
  FROM document_set_items i LEFT JOIN runs r ON r.id = i.run_id
  CROSS JOIN LATERAL (SELECT CASE WHEN i.state = 'open' AND r.status = 'dead' THEN 'failed'
    WHEN i.state = 'open' AND r.status = 'cancelled' THEN 'cancelled' ELSE i.state END AS state) e
  LEFT JOIN LATERAL (SELECT code, message FROM dead_letters WHERE run_id = i.run_id ORDER BY seq DESC LIMIT 1) l ON r.status = 'dead'
  WHERE i.tenant_id = $1 AND i.set_id = $2 AND i.position > $3 AND e.state = ANY($4) ORDER BY i.position LIMIT $5`

const END = `
  WITH ended AS (
    UPDATE document_sets s SET state = $4, ended_at = $5 WHERE s.tenant_id = $1 AND s.id = $2 AND s.state = $3 AND s.deleted_at IS NULL AND ${AT_ITS_END('$6')}
    RETURNING id
  ), emptied AS (
    UPDATE document_set_items SET inline = NULL, parsed = NULL, draft = NULL
    WHERE tenant_id = $1 AND set_id = $2 AND state = 'failed' AND EXISTS (SELECT 1 FROM ended)
  ), ${insertRuns("(CASE WHEN EXISTS (SELECT 1 FROM ended) THEN $7 ELSE '[]' END)")}
  SELECT id FROM ended`

function toSet(row: unknown): DocumentSet {
  const { id, tenant_id, spec, state, schedule_id, created_at, ended_at, ...progress } = SetRow.parse(row)
  return {
    id,
    tenantId: tenant_id,
    order: spec,
    state,
    scheduleId: schedule_id,
    createdAt: created_at,
    endedAt: ended_at,
    progress,
  }
}

function toItem(row: unknown): SetItem {
  const { position, run_id, document_id, title, state, result, failure } = ItemRow.parse(row)
  return { position, runId: run_id, documentId: document_id, title, state, result, failure }
}
