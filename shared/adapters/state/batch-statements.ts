/** What waits, by provider, model and endpoint. */
export const GROUPS = `
  SELECT provider, model, endpoint, count(*)::int AS requests, sum(bytes)::float8 AS bytes, sum(input_tokens)::float8 AS "inputTokens",
    GREATEST(0, EXTRACT(EPOCH FROM now() - min(created_at)) * 1000)::float8 AS "oldestAgeMs"
  FROM batch_requests WHERE state = 'queued' GROUP BY provider, model, endpoint`

/** The oldest first, as many as fit; the batch and its requests are written together or not at all. A request larger than a batch goes alone. */
export const PACK = `
  WITH oldest AS (
    SELECT id, bytes, input_tokens, created_at FROM batch_requests
    WHERE state = 'queued' AND provider = $2 AND model = $3 AND endpoint = $4 ORDER BY created_at, id LIMIT $5
  ), fitting AS (
    SELECT id, bytes, input_tokens FROM (
      SELECT *, sum(bytes) OVER w AS total, row_number() OVER w AS n FROM oldest WINDOW w AS (ORDER BY created_at, id)) s
    WHERE total <= $6 OR n = 1
  ), batch AS (
    INSERT INTO batches (id, provider, model, endpoint, state, requests, bytes, input_tokens, due_at, created_at)
    SELECT $1, $2, $3, $4, 'packed', count(*), sum(bytes), sum(input_tokens), now(), now() FROM fitting HAVING count(*) > 0 RETURNING id
  ), packed AS (
    UPDATE batch_requests q SET state = 'packed', batch_id = b.id, tries = q.tries + 1, billed = false FROM fitting f, batch b
    WHERE q.id = f.id AND q.state = 'queued' RETURNING 1
  )
  SELECT count(*)::int AS count FROM packed`

/**
 * Writes what has changed, while the lease is held. Absent members of the change leave their columns as they are. Of a batch that is done
 * no text is needed any more, also of requests that it did not answer.
 */
export const CHANGE = `
  WITH changed AS (
  UPDATE batches b SET
    state = COALESCE(c->>'state', b.state),
    file_id = CASE WHEN c ? 'fileId' THEN c->>'fileId' ELSE b.file_id END,
    marker = CASE WHEN c ? 'marker' THEN c->>'marker' ELSE b.marker END,
    remote_id = COALESCE(c->>'remoteId', b.remote_id),
    remote_status = COALESCE(c->>'remoteStatus', b.remote_status),
    completed = COALESCE((c->>'completed')::int, b.completed),
    polls = COALESCE((c->>'polls')::int, b.polls),
    creations = COALESCE((c->>'creations')::int, b.creations),
    cancel_sent = COALESCE((c->>'cancelSent')::boolean, b.cancel_sent),
    failure = COALESCE(c->'failure', b.failure),
    creating_since = CASE c->>'creating' WHEN 'begins' THEN now() WHEN 'over' THEN NULL ELSE b.creating_since END,
    submitted_at = CASE WHEN c->>'state' = 'submitted' THEN now() ELSE b.submitted_at END,
    ended_at = CASE WHEN c->>'state' = 'done' THEN now() ELSE b.ended_at END,
    malformed = COALESCE((c->'problems'->>'malformed')::int, b.malformed),
    unknown = COALESCE((c->'problems'->>'unknown')::int, b.unknown),
    repeated = COALESCE((c->'problems'->>'repeated')::int, b.repeated)
  FROM (SELECT $3::jsonb AS c) AS change
  WHERE b.id = $1 AND b.lease_owner = $2 AND b.lease_until > now() RETURNING b.id, b.state
  ), emptied AS (
    UPDATE batch_requests q SET body = '' FROM changed WHERE changed.state = 'done' AND q.batch_id = changed.id
      AND q.state NOT IN ('queued', 'packed') AND q.body <> ''
  )
  SELECT id FROM changed`

/** A request that two batches did not take is not tried in a third: it is asked synchronously. */
export const RETURN_REST = `
  WITH back AS (
    UPDATE batch_requests SET
      state = CASE WHEN $2 = 'queued' AND tries < 2 THEN 'queued' ELSE 'spilled' END,
      batch_id = CASE WHEN $2 = 'queued' AND tries < 2 THEN NULL ELSE batch_id END,
      wake_at = CASE WHEN $2 = 'queued' AND tries < 2 THEN NULL ELSE now() END,
      ended_at = CASE WHEN $2 = 'queued' AND tries < 2 THEN NULL ELSE now() END,
      failure = $3::jsonb
    WHERE batch_id = $1 AND state = 'packed' RETURNING 1
  )
  SELECT count(*)::int AS count FROM back`

/** Lines of the file, which holds the batch's requests in the order of their ids. */
export const SPILL_LINES = `
  WITH line AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM batch_requests WHERE batch_id = $1
  ), spilled AS (
    UPDATE batch_requests q SET state = 'spilled', wake_at = now(), ended_at = now(), failure = $3::jsonb
    FROM line WHERE q.id = line.id AND line.n = ANY($2::int[]) AND q.state = 'packed' RETURNING 1
  )
  SELECT count(*)::int AS count FROM spilled`

/** Runs whose requests have all ended, the longest waiting first. @param $1 those with a spilled request, or the others */
export const TO_WAKE = `
  SELECT run_id, step, bool_or(state = 'spilled') AS spilled, jsonb_agg(id) AS ids FROM batch_requests q
  WHERE wake_at <= now() AND NOT EXISTS (SELECT 1 FROM batch_requests o WHERE o.run_id = q.run_id AND o.state IN ('queued', 'packed'))
  GROUP BY run_id, step HAVING bool_or(state = 'spilled') = $1 ORDER BY min(wake_at) LIMIT $2`
