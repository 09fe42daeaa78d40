import * as z from 'zod'
import { Batch, RequestState } from '#shared/domain/batch.ts'
import type { BatchFigures, BatchProgress } from '#shared/ports/batch-store.ts'

/** The columns of a batch under the names of its schema. */
export const BATCH_COLUMNS = `
  b.id, b.provider, b.model, b.endpoint, b.state, b.seq, b.requests, b.bytes::float8 AS bytes, b.input_tokens::float8 AS "inputTokens",
  b.file_id AS "fileId", b.marker, EXTRACT(EPOCH FROM now() - b.creating_since)::float8 * 1000 AS "creatingForMs", b.creations,
  b.remote_id AS "remoteId", b.remote_status AS "remoteStatus", b.completed, b.polls, b.cancel_requested AS "cancelRequested",
  b.cancel_sent AS "cancelSent", b.malformed, b.unknown, b.repeated, b.failure, b.created_at AS "createdAt",
  b.submitted_at AS "submittedAt", b.ended_at AS "endedAt"`

export const toBatch = (row: unknown): Batch => Batch.parse(row)

/** A batch with what became of its requests. */
export const PROGRESS = `
  SELECT ${BATCH_COLUMNS}, q.* FROM batches b
  LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'answered')::int AS answered, count(*) FILTER (WHERE state = 'failed')::int AS failed,
      count(*) FILTER (WHERE state = 'spilled')::int AS spilled, count(*) FILTER (WHERE state = 'cancelled')::int AS cancelled,
      count(*) FILTER (WHERE state = 'packed')::int AS waiting, COALESCE(sum(cost_usd), 0)::float8 AS "costUsd"
    FROM batch_requests WHERE batch_id = b.id
  ) q ON true`

const Progress = Batch.extend({
  answered: z.int(),
  failed: z.int(),
  spilled: z.int(),
  cancelled: z.int(),
  waiting: z.int(),
  costUsd: z.number(),
})
export const toProgress = (row: unknown): BatchProgress => Progress.parse(row)

export const FIGURES = `
  SELECT
    (SELECT COALESCE(jsonb_agg(s), '[]') FROM (SELECT provider, state, count(*) FROM batch_requests GROUP BY provider, state) s) AS requests,
    (SELECT COALESCE(jsonb_agg(s), '[]') FROM (SELECT provider, state, count(*) FROM batches GROUP BY provider, state) s) AS batches,
    (SELECT COALESCE(EXTRACT(EPOCH FROM now() - min(created_at)), 0)::float8 FROM batch_requests WHERE state = 'queued') AS queued_for,
    (SELECT COALESCE(EXTRACT(EPOCH FROM now() - min(submitted_at)), 0)::float8 FROM batches WHERE state = 'submitted') AS submitted_for,
    (SELECT COALESCE(sum(cost_usd), 0)::float8 FROM batch_requests) AS cost`

const Count = z.object({ provider: z.string(), count: z.number() })
const Figures = z.object({
  requests: z.array(Count.extend({ state: RequestState })),
  batches: z.array(Count.extend({ state: z.string() })),
  queued_for: z.number(),
  submitted_for: z.number(),
  cost: z.number(),
})

export function toFigures(row: unknown): BatchFigures {
  const { requests, batches, queued_for, submitted_for, cost } = Figures.parse(row)
  const countOf = (...states: RequestState[]) =>
    requests.filter(({ state }) => states.includes(state)).reduce((sum, { count }) => sum + count, 0)
  const ended = countOf('answered', 'failed', 'spilled')
  return {
    requests,
    batches,
    oldestQueuedSeconds: Math.max(0, queued_for),
    oldestSubmittedSeconds: Math.max(0, submitted_for),
    spillRatio: ended === 0 ? 0 : countOf('spilled') / ended,
    costUsd: cost,
  }
}
