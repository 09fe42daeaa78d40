import type { Redis } from 'ioredis'
import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import type { AnswerCache } from '#shared/ports/answer-cache.ts'
import type { DocumentCopies } from '#shared/ports/document-copies.ts'
import type { Log } from '#shared/ports/log.ts'
import { REMOVE_LEFT_OVER } from './document-parts.ts'

/** Until what could not be reached is asked again. */
const AWAY_MS = 5_000
/** Longer than the step `deliver` may take: what it keeps in these moments may still cite what has just gone. */
const SECOND_LOOK_MS = 120_000
const AT_ONCE = 20

const DueRow = z.object({
  tenant_id: z.string(),
  document_id: z.string(),
  changed_at: z.date(),
  in_indexes: z.boolean(),
  content_hash: z.string().nullable(),
})
type Due = z.infer<typeof DueRow>

/**
 * For the statement that deletes or replaces. Whole milliseconds, because the driver knows no others and the moment is compared.
 * @param which a FROM and WHERE that yield a row when the document $2 of the tenant $1 is to be put on the list
 * @param inIndexes whether the search indexes hold it until they are asked to let go of it
 */
export const putOnList = (which: string, inIndexes: boolean): string => `
  INSERT INTO copies_to_forget (tenant_id, document_id, in_indexes, changed_at, due_at)
  SELECT $1, $2, ${inIndexes}, date_trunc('milliseconds', now()), now() + interval '${SECOND_LOOK_MS} milliseconds' ${which}
  ON CONFLICT (tenant_id, document_id) DO UPDATE
  SET in_indexes = EXCLUDED.in_indexes, changed_at = EXCLUDED.changed_at, due_at = EXCLUDED.due_at`

export const OUT_OF_INDEXES = 'UPDATE copies_to_forget SET in_indexes = false WHERE tenant_id = $1 AND document_id = $2'
/** It is looked after in the sweeper's next round. */
export const SOON = 'UPDATE copies_to_forget SET due_at = now() WHERE tenant_id = $1 AND document_id = $2'

const DUE = `
  SELECT f.tenant_id, f.document_id, f.changed_at, f.in_indexes, d.content_hash FROM copies_to_forget f
  LEFT JOIN documents d ON d.tenant_id = f.tenant_id AND d.id = f.document_id
  WHERE f.due_at <= now() ORDER BY f.due_at LIMIT $1`

/** Changed again meanwhile: that change has its own moment. Looked after early, because it failed at first: looked after once more. */
const DONE = `
  WITH done AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS r(tenant_id text, document_id text, changed_at timestamptz)
  ), again AS (
    UPDATE copies_to_forget f SET due_at = f.changed_at + interval '${SECOND_LOOK_MS} milliseconds' FROM done
    WHERE f.tenant_id = done.tenant_id AND f.document_id = done.document_id AND f.changed_at = done.changed_at
      AND f.changed_at + interval '${SECOND_LOOK_MS} milliseconds' > now()
  )
  DELETE FROM copies_to_forget f USING done
  WHERE f.tenant_id = done.tenant_id AND f.document_id = done.document_id AND f.changed_at = done.changed_at
    AND f.changed_at + interval '${SECOND_LOOK_MS} milliseconds' <= now()`

/** Others are not held up by those that cannot be reached. */
const AWAY = `
  UPDATE copies_to_forget f SET due_at = now() + interval '${AWAY_MS} milliseconds'
  FROM jsonb_to_recordset($1::jsonb) AS r(tenant_id text, document_id text)
  WHERE f.tenant_id = r.tenant_id AND f.document_id = r.document_id AND f.due_at <= now()`

/**
 * Tickets that told of a document what may be at hand in Redis: events for an hour after the last, whether they ended with a reply or
 * with a person, and conversations for a day after the last turn.
 */
const QUOTED = `
  WITH document AS (SELECT jsonb_build_array(jsonb_build_object('documentId', $2::text)) AS cited)
  SELECT ticket_id, conversation_id FROM replies, document
  WHERE tenant_id = $1 AND citations @> cited AND conversation_id IN (
    SELECT conversation_id FROM replies WHERE tenant_id = $1 AND created_at > now() - interval '26 hours')
  UNION ALL
  SELECT ticket_id, NULL FROM escalations e, document
  WHERE tenant_id = $1 AND created_at > now() - interval '3 hours' AND EXISTS (
    SELECT 1 FROM attempts a WHERE a.run_id = e.run_id AND a.facts_written->'passages'->'passages' @> cited)`

/** Responses of searches hold passages; asked again, the question is searched again. */
const RESPONSES = `
  DELETE FROM idempotency_keys WHERE tenant_id = $1 AND response IS NOT NULL AND route IN ('POST /v1/search', 'POST /v1/search masked')`

type Doors = {
  readonly cache: Pick<AnswerCache, 'forgetDocument'>
  readonly redis?: Redis
  readonly prefix: string
  readonly log: Log
  /** Lets go of what both search indexes hold of a document. */
  readonly removeFromIndexes: (tenantId: string, documentId: string) => Promise<void>
}

export function createDocumentCopies(
  database: Database,
  { cache, redis, prefix, log, removeFromIndexes }: Doors,
): DocumentCopies {
  /** @param contentHash of the version that may stay; null when the document is gone */
  async function remove(tenantId: string, documentId: string, contentHash: string | null): Promise<void> {
    if (contentHash !== null) return cache.forgetDocument(tenantId, documentId, contentHash)
    await database.forTenant(tenantId, RESPONSES)
    await cache.forgetDocument(tenantId, documentId)
    const rows = await database.forTenant(tenantId, QUOTED, [documentId])
    const names = rows.flatMap(({ ticket_id, conversation_id }) => [
      `${prefix}:stream:${tenantId}:${String(ticket_id)}`,
      ...(conversation_id === null
        ? []
        : [`${prefix}:conversation:${encodeURIComponent(tenantId)}:${encodeURIComponent(String(conversation_id))}`]),
    ])
    if (names.length > 0) await redis?.del(...names)
  }

  async function removeAgain({ tenant_id, document_id, content_hash, in_indexes }: Due): Promise<void> {
    await remove(tenant_id, document_id, content_hash)
    if (content_hash !== null) return
    // What a run of the document was just writing when it went, or whoever removed it did not come to.
    await database.forTenant(tenant_id, REMOVE_LEFT_OVER, [document_id])
    if (in_indexes) await removeFromIndexes(tenant_id, document_id)
  }

  return {
    async forget(tenantId, documentId, contentHash) {
      try {
        await remove(tenantId, documentId, contentHash ?? null)
      } catch (error) {
        log.warn({ err: error, documentId }, 'copies of a document that went could not be removed; the sweeper will')
        await database.forTenant(tenantId, SOON, [documentId]).catch(() => {})
      }
    },
    async forgetDue(limit) {
      const rows = await database.asSystem('what was changed is looked after for every tenant', DUE, [limit], 'copies-due')
      const due = rows.map((row) => DueRow.parse(row))
      const problems: unknown[] = []
      for (let at = 0; at < due.length; at += AT_ONCE) {
        const some = due.slice(at, at + AT_ONCE)
        const ends = await Promise.allSettled(some.map(removeAgain))
        const [done, away] = [true, false].map((well) => some.filter((_, i) => (ends[i]!.status === 'fulfilled') === well))
        await database.asSystem('as above', DONE, [JSON.stringify(done)])
        await database.asSystem('as above', AWAY, [JSON.stringify(away)])
        problems.push(...ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : [])))
      }
      if (problems.length > 0) throw new AggregateError(problems, `${problems.length} of ${due.length} could not be reached`)
      return due.length
    },
  }
}
