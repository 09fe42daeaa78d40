import type { Database } from '#shared/database/client.ts'
import { toJson } from '#shared/database/json.ts'
import type { Applied, AppliedResult } from '#shared/ports/batch-store.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { modelReplyAt } from './sealed-places.ts'

/**
 * Results become replies in the journal, once each: a result counts only while its request is packed in this very batch. One that
 * comes after its request was spilled or cancelled is billed all the same, so it goes on the bill as a failed call. Everything
 * is one statement: a crash leaves all of it or nothing.
 */
const APPLY = `
  WITH result AS (
    SELECT * FROM jsonb_to_recordset($2::jsonb) AS r(id text, state text, reply text, failure jsonb, input_tokens int, output_tokens int,
      cache_read_tokens int, cache_write_tokens int, cost_usd numeric, journal boolean)
  ), ended AS (
    UPDATE batch_requests q SET state = r.state, failure = r.failure, cost_usd = q.cost_usd + r.cost_usd, billed = true,
      ended_at = now(), wake_at = now(), body = ''
    FROM result r WHERE q.id = r.id AND q.batch_id = $1 AND q.state = 'packed' AND q.id = ANY($3)
    RETURNING q.*, r.reply AS r_reply, r.journal AS r_journal, r.input_tokens AS r_in, r.output_tokens AS r_out,
      r.cache_read_tokens AS r_read, r.cache_write_tokens AS r_write, r.cost_usd AS r_cost, r.failure AS r_failure
  ), late AS (
    UPDATE batch_requests q SET cost_usd = q.cost_usd + r.cost_usd, billed = true
    FROM result r WHERE q.id = r.id AND q.batch_id = $1 AND q.state IN ('spilled', 'cancelled') AND NOT q.billed AND q.id = ANY($3)
    RETURNING q.*, NULL::text AS r_reply, r.cost_usd > 0 AS r_journal, r.input_tokens AS r_in, r.output_tokens AS r_out,
      r.cache_read_tokens AS r_read, r.cache_write_tokens AS r_write, r.cost_usd AS r_cost, $4::jsonb AS r_failure
  ), calls AS (
    INSERT INTO model_calls (tenant_id, run_id, step, visit, request_hash, failed_try, customer_id, task, tier, prompt_id, prompt_version,
      prompt_hash, provider, model, reply, failure, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, latency_ms, created_at)
    SELECT tenant_id, run_id, step, visit, request_hash, CASE WHEN r_reply IS NULL THEN 1000000 + tries ELSE 0 END, customer_id, task, tier,
      prompt_id, prompt_version, prompt_hash, provider, model, r_reply, CASE WHEN r_reply IS NULL THEN r_failure END, r_in, r_out, r_read, r_write, r_cost,
      LEAST(2000000000, GREATEST(0, EXTRACT(EPOCH FROM now() - created_at) * 1000))::int, now()
    FROM (SELECT * FROM ended UNION ALL SELECT * FROM late) AS counted WHERE r_journal
    ON CONFLICT (run_id, step, visit, request_hash, failed_try) DO NOTHING
  )
  SELECT 'ended' AS what, id, tenant_id, task, state, r_cost::float8 AS cost FROM ended
  UNION ALL SELECT 'late', id, tenant_id, task, state, r_cost::float8 FROM late`

const LATE = {
  kind: 'terminal',
  code: 'batch-reply-late',
  message: 'the batch brought the reply after it was asked for elsewhere or cancelled',
}

export async function applyResults(
  database: Database,
  sealer: Sealer,
  batchId: string,
  results: readonly AppliedResult[],
): Promise<Applied> {
  // One statement cannot touch a row twice: of repeats within one portion the first counts.
  const first = new Map<string, AppliedResult>()
  for (const result of results) if (!first.has(result.id)) first.set(result.id, result)
  const rows = await database.asSystem(
    'a batch holds requests of several tenants; each row names its own',
    APPLY,
    [batchId, toJson([...first.values()].map((result) => toRow(result, sealer))), [...first.keys()], toJson(LATE)],
    'batch-apply',
  )
  const ended = rows.filter(({ what }) => what === 'ended')
  return {
    ended: ended.map((row) => ({
      id: String(row.id),
      tenantId: String(row.tenant_id),
      task: String(row.task),
      state: row.state as AppliedResult['state'],
      costUsd: Number(row.cost),
    })),
    late: rows.length - ended.length,
    repeated: results.length - rows.length,
  }
}

const toRow = ({ usage, text, ...result }: AppliedResult, sealer: Sealer) => ({
  id: result.id,
  state: result.state,
  reply: text === null ? null : sealer.seal(text, modelReplyAt(result.id)),
  failure: result.failure,
  input_tokens: usage.inputTokens,
  output_tokens: usage.outputTokens,
  cache_read_tokens: usage.cacheReadTokens,
  cache_write_tokens: usage.cacheWriteTokens,
  cost_usd: result.costUsd,
  journal: result.journal,
})
