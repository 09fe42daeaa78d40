import type { Redis } from 'ioredis'
import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import type { AnswerCache } from '#shared/ports/answer-cache.ts'
import type { DocumentCopies } from '#shared/ports/document-copies.ts'
import type { Log } from '#shared/ports/log.ts'
import { REMOVE_REPLIES } from './document-parts.ts'

/** Longer than the step `deliver` may take: what it keeps in these moments may still cite what has just gone. */
const SECOND_LOOK_MS = 120_000
const AT_ONCE = 20

const DueRow = z.object({
  tenant_id: z.string(),
  document_id: z.string(),
  changed_at: z.date(),
  content_hash: z.string().nullable(),
})
type Due = z.infer<typeof DueRow>

/**
 * For the statement that deletes or replaces. Whole milliseconds, because the driver knows no others and the moment is compared.
 * @param which a FROM and WHERE that yield a row when the document $2 of the tenant $1 is to be put on the list
 */
export const putOnList = (which: string): string => `
  INSERT INTO copies_to_forget (tenant_id, document_id, changed_at, due_at)
  SELECT $1, $2, date_trunc('milliseconds', now()), now() + interval '${SECOND_LOOK_MS} milliseconds' ${which}
  ON CONFLICT (tenant_id, document_id) DO UPDATE SET changed_at = EXCLUDED.changed_at, due_at = EXCLUDED.due_at`

const SOON = 'UPDATE copies_to_forget SET due_at = now() WHERE tenant_id = $1 AND document_id = $2'

const DUE = `
  SELECT f.tenant_id, f.document_id, f.changed_at, d.content_hash FROM copies_to_forget f
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
}

export function createDocumentCopies(database: Database, { cache, redis, prefix, log }: Doors): DocumentCopies {
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

  async function removeAgain({ tenant_id, document_id, content_hash }: Due): Promise<void> {
    await remove(tenant_id, document_id, content_hash)
    // What a run of the document was just writing when it went.
    if (content_hash === null) await database.forTenant(tenant_id, REMOVE_REPLIES, [document_id])
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
      for (let at = 0; at < due.length; at += AT_ONCE) {
        const some = due.slice(at, at + AT_ONCE)
        await Promise.all(some.map(removeAgain))
        await database.asSystem('as above', DONE, [JSON.stringify(some)])
      }
      return due.length
    },
  }
}
