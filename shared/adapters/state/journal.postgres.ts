import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { groupCommit } from '#shared/database/group-commit.ts'
import { toJson, toText } from '#shared/database/json.ts'
import { Failure } from '#shared/domain/failure.ts'
import type { Journal, JournalEntry, JournaledReply, JournalKey } from '#shared/ports/journal.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { createAesGcmSealer } from '../sealing/sealer.aes-gcm.ts'
import { modelReplyAt, modelRequestId } from './sealed-places.ts'

const CallRow = z.object({
  task: z.string(),
  tier: z.string(),
  prompt_id: z.string(),
  prompt_version: z.int(),
  prompt_hash: z.string(),
  customer_id: z.string().nullable(),
  provider: z.string(),
  model: z.string(),
  reply: z.string(),
  input_tokens: z.int(),
  output_tokens: z.int(),
  cache_read_tokens: z.int(),
  cache_write_tokens: z.int(),
  cost_usd: z.number(),
  latency_ms: z.number(),
  created_at: z.date(),
})

/** Questions asked together travel together. The list of ids makes PostgreSQL use the index, which it would not for a function's rows. */
const FIND = `
  WITH asked AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS a(n int, tenant_id text, run_id text, step text, visit int, request_hash text)
  )
  SELECT a.n, c.* FROM asked a JOIN model_calls c ON c.tenant_id = a.tenant_id AND c.run_id = a.run_id AND c.step = a.step
    AND c.visit = a.visit AND c.request_hash = a.request_hash
  WHERE c.failed_try = 0 AND c.run_id = ANY(ARRAY(SELECT run_id FROM asked))`

const TRAVEL = 'rows of several tenants travel together; each names its own'

/**
 * Failed calls are numbered on; the one row 0 is the reply. Nobody waits for the disk: whatever is made of a reply becomes durable
 * with the run's next transition, which does wait and, the log being one, brings all earlier rows to the disk with it. What a
 * crash of the database can lose are replies that nothing was made of yet. See docs/decisions/0023-what-the-gateway-costs.md.
 */
const RECORD = `
  WITH quickly AS (SELECT set_config('synchronous_commit', 'off', true))
  INSERT INTO model_calls (tenant_id, run_id, step, visit, request_hash, failed_try, customer_id, task, tier, prompt_id, prompt_version,
    prompt_hash, provider, model, reply, failure, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, latency_ms, created_at)
  SELECT n.tenant_id, n.run_id, n.step, n.visit, n.request_hash,
    CASE WHEN n.failure IS NULL THEN 0 ELSE n.position + (SELECT count(*) FROM model_calls c WHERE c.run_id = n.run_id AND c.step = n.step
      AND c.visit = n.visit AND c.request_hash = n.request_hash AND c.failed_try > 0) END,
    n.customer_id, n.task, n.tier, n.prompt_id, n.prompt_version, n.prompt_hash, n.provider, n.model, n.reply, n.failure,
    n.input_tokens, n.output_tokens, n.cache_read_tokens, n.cache_write_tokens, n.cost_usd, n.latency_ms, n.created_at
  FROM quickly, jsonb_to_recordset($1::jsonb) AS n(tenant_id text, run_id text, step text, visit int, request_hash text, position int, customer_id text,
    task text, tier text, prompt_id text, prompt_version int, prompt_hash text, provider text, model text, reply text, failure jsonb,
    input_tokens int, output_tokens int, cache_read_tokens int, cache_write_tokens int, cost_usd numeric, latency_ms int, created_at timestamptz)
  ON CONFLICT (run_id, step, visit, request_hash, failed_try) DO UPDATE SET
    customer_id = EXCLUDED.customer_id, task = EXCLUDED.task, tier = EXCLUDED.tier, prompt_id = EXCLUDED.prompt_id,
    prompt_version = EXCLUDED.prompt_version, prompt_hash = EXCLUDED.prompt_hash, reply = EXCLUDED.reply, failure = EXCLUDED.failure,
    provider = EXCLUDED.provider, model = EXCLUDED.model, input_tokens = EXCLUDED.input_tokens,
    output_tokens = EXCLUDED.output_tokens, cache_read_tokens = EXCLUDED.cache_read_tokens, cache_write_tokens = EXCLUDED.cache_write_tokens,
    cost_usd = EXCLUDED.cost_usd, latency_ms = EXCLUDED.latency_ms, created_at = EXCLUDED.created_at`

export function createJournal(database: Database, sealer: Sealer = createAesGcmSealer([])): Journal {
  const record = groupCommit(
    async (entries: readonly JournalEntry[]) => {
      await database.asSystem(TRAVEL, RECORD, [toJson(entries.map((entry) => toRow(entry, sealer)))], 'journal-record')
      return entries.map(() => undefined)
    },
    // One statement cannot touch a row twice, and the failed calls of one key are counted.
    { maxItems: 50, maxInFlight: 4, keyOf },
  )
  const find = groupCommit(
    async (keys: readonly JournalKey[]) => {
      const rows = await database.asSystem(TRAVEL, FIND, [toJson(keys.map(toAsked))], 'journal-find')
      const found = new Map(rows.map((row) => [Number(row.n), row]))
      return keys.map((key, n) => (found.has(n) ? toEntry(key, found.get(n), sealer) : undefined))
    },
    { maxItems: 50, maxInFlight: 4 },
  )
  return { record, find }
}

const toAsked = ({ tenantId, runId, step, visit, requestHash }: JournalKey, n: number) => ({
  n,
  tenant_id: tenantId,
  run_id: runId,
  step,
  visit,
  request_hash: requestHash,
})

const keyOf = ({ key }: JournalEntry) => `${key.runId} ${key.step} ${key.visit} ${key.requestHash}`

/** Vectors of documents say nothing of a customer, and weigh much. */
function storedReply({ key, task, result }: JournalEntry, sealer: Sealer): string | null {
  if (result.kind !== 'reply') return null
  return task === 'embed' || !sealer.seals ? result.text : sealer.seal(toText(result.text), modelReplyAt(modelRequestId(key)))
}

const toRow = (entry: JournalEntry, sealer: Sealer) => ({
  tenant_id: entry.key.tenantId,
  run_id: entry.key.runId,
  step: entry.key.step,
  visit: entry.key.visit,
  request_hash: entry.key.requestHash,
  position: 1,
  customer_id: entry.customerId ?? null,
  task: entry.task,
  tier: entry.tier,
  prompt_id: entry.prompt.id,
  prompt_version: entry.prompt.version,
  prompt_hash: entry.prompt.hash,
  provider: entry.provider,
  model: entry.model,
  reply: storedReply(entry, sealer),
  failure: entry.result.kind === 'failed' ? Failure.parse(entry.result.failure) : null,
  input_tokens: entry.usage.inputTokens,
  output_tokens: entry.usage.outputTokens,
  cache_read_tokens: entry.usage.cacheReadTokens,
  cache_write_tokens: entry.usage.cacheWriteTokens,
  cost_usd: entry.costUsd,
  latency_ms: Math.round(entry.latencyMs),
  created_at: entry.startedAt,
})

function toEntry(key: JournalKey, row: unknown, sealer: Sealer): JournaledReply {
  const call = CallRow.parse(row)
  return {
    key,
    task: call.task as JournalEntry['task'],
    tier: call.tier as JournalEntry['tier'],
    prompt: { id: call.prompt_id, version: call.prompt_version, hash: call.prompt_hash },
    ...(call.customer_id === null ? {} : { customerId: call.customer_id }),
    provider: call.provider,
    model: call.model,
    usage: {
      inputTokens: call.input_tokens,
      outputTokens: call.output_tokens,
      cacheReadTokens: call.cache_read_tokens,
      cacheWriteTokens: call.cache_write_tokens,
    },
    costUsd: call.cost_usd,
    latencyMs: call.latency_ms,
    startedAt: call.created_at,
    result: {
      kind: 'reply',
      text: sealer.open(call.reply, modelReplyAt(modelRequestId(key))),
    },
  }
}
