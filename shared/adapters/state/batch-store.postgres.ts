import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { toJson } from '#shared/database/json.ts'
import { BatchEndpoint } from '#shared/domain/batch.ts'
import { ENDED } from '#shared/domain/run.ts'
import type { BatchLine } from '#shared/ports/batch-provider.ts'
import type { BatchStore } from '#shared/ports/batch-store.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { createAesGcmSealer } from '../sealing/sealer.aes-gcm.ts'
import { applyResults } from './batch-apply.ts'
import { BATCH_COLUMNS, FIGURES, PROGRESS, toBatch, toFigures, toProgress } from './batch-rows.ts'
import { CHANGE, GROUPS, PACK, RETURN_REST, SPILL_LINES, TO_WAKE } from './batch-statements.ts'
import { modelRequestAt } from './sealed-places.ts'

const SHARED = 'a batch holds requests of several tenants; each row names its own'
/** So many bytes of requests are in memory at a time while a batch is assembled. */
const PAGE_BYTES = 1_048_576
const MAX_PAGE = 1_000

const Group = z.object({
  provider: z.string(),
  model: z.string(),
  endpoint: BatchEndpoint,
  requests: z.number(),
  bytes: z.number(),
  inputTokens: z.number(),
  oldestAgeMs: z.number(),
})

export function createBatchStore(database: Database, sealer: Sealer = createAesGcmSealer([])): BatchStore {
  const query = (sql: string, params: readonly unknown[] = [], name?: string) => database.asSystem(SHARED, sql, params, name)
  const countOf = async (sql: string, params: readonly unknown[]) => Number((await query(sql, params))[0]?.count ?? 0)

  async function* lines(batchId: string): AsyncIterable<BatchLine> {
    const sql = 'SELECT id, body FROM batch_requests WHERE batch_id = $1 AND id > $2 ORDER BY id LIMIT $3'
    const [size] = await query('SELECT bytes / GREATEST(requests, 1) AS mean FROM batches WHERE id = $1', [batchId])
    const perPage = Math.max(1, Math.min(MAX_PAGE, Math.floor(PAGE_BYTES / Math.max(1, Number(size?.mean ?? 1)))))
    for (let after = ''; ; ) {
      const rows = await query(sql, [batchId, after, perPage], 'batch-lines')
      for (const row of rows) {
        const id = String(row.id)
        yield { id, body: sealer.open(String(row.body), modelRequestAt(id)) }
      }
      if (rows.length < perPage) return
      after = String(rows.at(-1)!.id)
    }
  }

  return {
    lines,
    apply: (batchId, results) => applyResults(database, sealer, batchId, results),
    groups: async () => (await query(GROUPS)).map((row) => Group.parse(row)),
    pack: (batchId, { provider, model, endpoint }, { maxRequests, maxBytes }) =>
      countOf(PACK, [batchId, provider, model, endpoint, maxRequests, maxBytes]),
    async expire() {
      // A packed one may be on its way to the provider this very moment: its text goes when its batch is done.
      const ended = `UPDATE batch_requests q SET state = 'cancelled', ended_at = now(),
          body = CASE WHEN q.state = 'queued' THEN '' ELSE q.body END FROM runs r
        WHERE q.run_id = r.id AND q.state IN ('queued', 'packed') AND r.status = ANY($1) RETURNING q.id`
      const late = `UPDATE batch_requests SET state = 'spilled', ended_at = now(), wake_at = now(), failure = $1,
          body = CASE WHEN state = 'queued' THEN '' ELSE body END
        WHERE state IN ('queued', 'packed') AND spill_at <= now() RETURNING id`
      const failure = { kind: 'retryable', code: 'batch-too-late', message: 'no batch brought the reply in time' }
      return { cancelled: (await query(ended, [ENDED])).length, spilled: (await query(late, [toJson(failure)])).length }
    },
    async load(batchId) {
      const [row] = await query(`SELECT ${BATCH_COLUMNS} FROM batches b WHERE b.id = $1`, [batchId])
      return row && toBatch(row)
    },
    async lease(batchId, seq, owner, forMs) {
      const sql = `UPDATE batches b SET lease_owner = $3, lease_until = now() + $4 * interval '1 millisecond'
        WHERE b.id = $1 AND b.seq = $2 AND b.state <> 'done' AND (b.lease_until IS NULL OR b.lease_until <= now()) RETURNING ${BATCH_COLUMNS}`
      const [row] = await query(sql, [batchId, seq, owner, forMs])
      return row && toBatch(row)
    },
    async renew(batchId, owner, forMs) {
      const sql = `UPDATE batches SET lease_until = now() + $3 * interval '1 millisecond'
        WHERE id = $1 AND lease_owner = $2 AND lease_until > now() RETURNING id`
      return (await query(sql, [batchId, owner, forMs])).length > 0
    },
    change: async (batchId, owner, change) => (await query(CHANGE, [batchId, owner, toJson(change)])).length > 0,
    async release(batchId, owner, dueInMs) {
      const sql = `UPDATE batches SET lease_owner = NULL, lease_until = NULL, due_at = now() + $3 * interval '1 millisecond'
        WHERE id = $1 AND lease_owner = $2`
      await query(sql, [batchId, owner, dueInMs])
    },
    async trim(batchId) {
      const out = `UPDATE batch_requests SET batch_id = NULL, body = '' WHERE batch_id = $1 AND state <> 'packed'`
      await query(out, [batchId])
      const sql = `UPDATE batches SET requests = (SELECT count(*) FROM batch_requests WHERE batch_id = $1) WHERE id = $1 RETURNING requests AS count`
      return countOf(sql, [batchId])
    },
    async knownRemoteIds(provider, remoteIds) {
      const rows = await query('SELECT remote_id FROM batches WHERE provider = $1 AND remote_id = ANY($2)', [provider, remoteIds])
      return new Set(rows.map((row) => String(row.remote_id)))
    },
    returnRest: (batchId, to, failure) => countOf(RETURN_REST, [batchId, to, toJson(failure)]),
    spillLines: (batchId, numbers, failure) => countOf(SPILL_LINES, [batchId, numbers, toJson(failure)]),
    async abandoned(batchId) {
      const sql = `SELECT EXISTS (SELECT 1 FROM batch_requests WHERE batch_id = $1 AND state = 'packed') AS waited_for`
      return (await query(sql, [batchId]))[0]?.waited_for !== true
    },
    async requestCancel(batchId, failure) {
      const sql = "UPDATE batches SET cancel_requested = true, failure = $2 WHERE id = $1 AND state <> 'done' RETURNING id"
      return (await query(sql, [batchId, toJson(failure)])).length > 0
    },
    async overdue(overdueMs, limit) {
      const sql = `SELECT id, seq FROM batches WHERE state <> 'done' AND due_at <= now() - $1 * interval '1 millisecond' ORDER BY due_at LIMIT $2`
      return (await query(sql, [overdueMs, limit])).map((row) => ({ id: String(row.id), seq: Number(row.seq) }))
    },
    async resend(batchId, seq) {
      const sql = `UPDATE batches SET seq = seq + 1, due_at = now() WHERE id = $1 AND state <> 'done' AND ($2::int IS NULL OR seq = $2) RETURNING seq`
      const [row] = await query(sql, [batchId, seq ?? null])
      return row && Number(row.seq)
    },
    async byRemoteId(provider, remoteId) {
      const [row] = await query('SELECT id FROM batches WHERE provider = $1 AND remote_id = $2', [provider, remoteId])
      return row && String(row.id)
    },
    async takeWebhook(provider, id, keepMs) {
      await query("DELETE FROM webhook_receipts WHERE received_at < now() - $1 * interval '1 millisecond'", [keepMs])
      const sql =
        'INSERT INTO webhook_receipts (provider, id, received_at) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING RETURNING id'
      return (await query(sql, [provider, id])).length > 0
    },
    async toWake(limit, maxSpilled) {
      const [answered, spilled] = [await query(TO_WAKE, [false, limit]), await query(TO_WAKE, [true, maxSpilled])]
      return [...answered, ...spilled].map((row) => ({
        runId: String(row.run_id),
        step: String(row.step),
        spilled: row.spilled === true,
        requestIds: z.array(z.string()).parse(row.ids),
      }))
    },
    async woken(requestIds) {
      await query('UPDATE batch_requests SET wake_at = NULL WHERE id = ANY($1)', [requestIds])
    },
    async notWoken(requestIds, restMs) {
      await query("UPDATE batch_requests SET wake_at = now() + $2 * interval '1 millisecond' WHERE id = ANY($1)", [
        requestIds,
        restMs,
      ])
    },
    list: async (limit) => (await query(`${PROGRESS} ORDER BY b.created_at DESC LIMIT $1`, [limit])).map(toProgress),
    async progress(batchId) {
      const [row] = await query(`${PROGRESS} WHERE b.id = $1`, [batchId])
      return row && toProgress(row)
    },
    figures: async () => toFigures((await query(FIGURES))[0]),
  }
}
