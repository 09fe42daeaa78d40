import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { groupCommit } from '#shared/database/group-commit.ts'
import { toJson } from '#shared/database/json.ts'
import { RequestState } from '#shared/domain/batch.ts'
import { Failure } from '#shared/domain/failure.ts'
import type { AskedRequest, BatchRequests, NewBatchRequest } from '#shared/ports/batch-store.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { createAesGcmSealer } from '../sealing/sealer.aes-gcm.ts'
import { modelRequestAt } from './sealed-places.ts'

const TRAVEL = 'requests of several tenants travel together; each names its own'
/** What a line adds to its body at most: custom id, address, brackets. */
const LINE_BYTES = 200

const FIND = 'SELECT id, state, spill_at, failure FROM batch_requests WHERE id = ANY($1)'

/** What is there already and what is new, in one statement: the first part cannot see the rows that the second one adds. */
const ASK = `
  WITH asked AS (
    INSERT INTO batch_requests (id, tenant_id, run_id, step, visit, request_hash, customer_id, task, tier, prompt_id, prompt_version,
      prompt_hash, provider, model, endpoint, body, bytes, input_tokens, spill_at, created_at)
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS r(id text, tenant_id text, run_id text, step text, visit int, request_hash text,
      customer_id text, task text, tier text, prompt_id text, prompt_version int, prompt_hash text, provider text, model text,
      endpoint text, body text, bytes int, input_tokens int, spill_at timestamptz, created_at timestamptz)
    ON CONFLICT (id) DO NOTHING
    RETURNING id, state, spill_at, failure
  )
  SELECT * FROM asked UNION ALL ${FIND.replace('$1', '$2')}`

/** A reply that was of no use keeps its row on the bill, as a failed call under a number that the journal does not give itself. */
const SPILL = `
  WITH was AS (
    SELECT * FROM batch_requests WHERE id = $1 FOR UPDATE
  ), useless AS (
    UPDATE model_calls c SET failed_try = 1000000 + w.tries, reply = NULL, failure = $2::jsonb FROM was w
    WHERE w.state = 'answered' AND c.failed_try = 0 AND c.run_id = w.run_id AND c.step = w.step AND c.visit = w.visit
      AND c.request_hash = w.request_hash
  )
  UPDATE batch_requests q SET state = 'spilled', failure = $2::jsonb, ended_at = now(), wake_at = NULL
  FROM was w WHERE q.id = w.id AND w.state IN ('queued', 'packed', 'answered')`

const Row = z.object({ id: z.string(), state: RequestState, spill_at: z.date(), failure: Failure.nullable() })

/** What `llm.offline` and `embedder.offline` write: many runs park at once, so their requests share statements. */
export function createBatchRequests(database: Database, sealer: Sealer = createAesGcmSealer([])): BatchRequests {
  const find = groupCommit(
    async (ids: readonly string[]) => {
      const rows = await database.asSystem(TRAVEL, FIND, [[...new Set(ids)]], 'batch-request-find')
      const found = new Map(rows.map((row) => [String(row.id), toAsked(row)]))
      return ids.map((id) => found.get(id))
    },
    { maxItems: 100, maxInFlight: 4 },
  )
  const ask = groupCommit(
    async (requests: readonly NewBatchRequest[]) => {
      const ids = requests.map(({ id }) => id)
      const rows = await database.asSystem(
        TRAVEL,
        ASK,
        [toJson(requests.map((request) => toRow(request, sealer))), ids],
        'batch-request-ask',
      )
      const found = new Map(rows.map((row) => [String(row.id), toAsked(row)]))
      return Promise.all(requests.map(async ({ id }) => found.get(id) ?? (await find(id))!))
    },
    { maxItems: 50, maxInFlight: 4, keyOf: ({ id }) => id },
  )
  return {
    find,
    ask,
    async spill(id, failure) {
      await database.asSystem(TRAVEL, SPILL, [id, toJson(failure)], 'batch-request-spill')
    },
  }
}

function toAsked(row: unknown): AskedRequest {
  const { spill_at, ...rest } = Row.parse(row)
  return { ...rest, spillAt: spill_at }
}

const toRow = ({ key, prompt, ...request }: NewBatchRequest, sealer: Sealer) => ({
  id: request.id,
  tenant_id: key.tenantId,
  run_id: key.runId,
  step: key.step,
  visit: key.visit,
  request_hash: key.requestHash,
  customer_id: request.customerId ?? null,
  task: request.task,
  tier: request.tier,
  prompt_id: prompt.id,
  prompt_version: prompt.version,
  prompt_hash: prompt.hash,
  provider: request.provider,
  model: request.model,
  endpoint: request.endpoint,
  // Texts of documents say nothing of a customer, and weigh much.
  body: request.task === 'embed' ? request.body : sealer.seal(request.body, modelRequestAt(request.id)),
  bytes: Buffer.byteLength(request.body) + LINE_BYTES,
  input_tokens: request.inputTokens,
  spill_at: request.spillAt,
  created_at: request.createdAt,
})
