import type { Redis } from 'ioredis'
import type { Database } from '#shared/database/client.ts'
import type { AnswerCache } from '#shared/ports/answer-cache.ts'
import type { CustomerRecords } from '#shared/ports/customer-records.ts'
import { SEALED } from './sealed-facts.ts'

const ACTIVE = "('queued', 'running', 'delayed', 'parked', 'waiting')"
/** Stands where a customer's id was; no customer's id can be it, because ids from outside are not empty. */
const ERASED = ''

/**
 * The tickets at rest, each with its run, the run of its callback (an ended run alone: one still trying needs its text) and where
 * its answer is cached.
 */
const FIND = `
  SELECT t.id, t.run_id, t.conversation_id, r.status IN ${ACTIVE} AS active, f.receipt->>'webhookRunId' AS callback_id,
    coalesce(c.status IN ${ACTIVE}, false) AS callback_active, f.recalled->>'partition' AS partition, f.recalled->>'key' AS key
  FROM tickets t JOIN runs r ON r.id = t.run_id
  LEFT JOIN LATERAL (
    SELECT (SELECT facts_written->'receipt' FROM attempts WHERE run_id = t.run_id AND facts_written ? 'receipt' ORDER BY seq DESC LIMIT 1) AS receipt,
      (SELECT facts_written->'recalled' FROM attempts WHERE run_id = t.run_id AND facts_written ? 'recalled' ORDER BY seq DESC LIMIT 1) AS recalled
  ) f ON true
  LEFT JOIN runs c ON c.id = f.receipt->>'webhookRunId'
  WHERE t.tenant_id = $1 AND t.requester_id = $2`

/** The first row of a log keeps what a ticket is without its words; the facts after it go. Needs no key: what is sealed goes as it is. */
const ERASE = `
  WITH log AS (
    UPDATE attempts SET failure = CASE WHEN failure IS NULL THEN NULL ELSE failure || '{"message": "erased"}' END,
      facts_written = CASE WHEN facts_written ? 'ticket' THEN jsonb_build_object('ticket',
        ((facts_written->'ticket') - '${SEALED}' - 'metadata' - 'callbackUrl' - 'history') || '{"subject": "", "body": "erased", "requester": {"id": "erased"}}') ELSE '{}' END
    WHERE tenant_id = $1 AND run_id = ANY($2)
  ), reply AS (UPDATE replies SET body = '', citations = '[]' WHERE tenant_id = $1 AND run_id = ANY($2)
  ), handover AS (UPDATE escalations SET summary = '', evidence = '[]' WHERE tenant_id = $1 AND run_id = ANY($2)
  ), calls AS (UPDATE model_calls SET reply = NULL, failure = NULL, customer_id = NULL WHERE tenant_id = $1 AND run_id = ANY($2)
  ), parked AS (UPDATE batch_requests SET body = '', customer_id = NULL WHERE tenant_id = $1 AND run_id = ANY($2)
  ), dead AS (UPDATE dead_letters SET message = 'erased' WHERE tenant_id = $1 AND run_id = ANY($2)
  ), turn AS (DELETE FROM conversation_turns WHERE tenant_id = $1 AND ticket_id = ANY($3)
  ), example AS (DELETE FROM answer_examples WHERE tenant_id = $1 AND ticket_id = ANY($3)
  ), comment AS (UPDATE feedback SET comment = NULL WHERE tenant_id = $1 AND ticket_id = ANY($3)
  ), conversation AS (
    UPDATE conversations SET requester_id = '${ERASED}', summary = NULL WHERE tenant_id = $1 AND requester_id = $4
  )
  UPDATE tickets SET requester_id = '${ERASED}' WHERE tenant_id = $1 AND id = ANY($3)`

/** Redis first: what is lost between the two is found again by the same request, for the tickets still name their customer. */
export function createCustomerRecords(
  database: Database,
  { cache, redis, prefix }: { readonly cache: Pick<AnswerCache, 'evict'>; readonly redis?: Redis; readonly prefix: string },
): CustomerRecords {
  return {
    async erase(tenantId, requesterId) {
      const rows = await database.forTenant(tenantId, FIND, [requesterId])
      const done = rows.filter((row) => row.active !== true && row.callback_active !== true)
      for (const { id, conversation_id, partition, key } of done) {
        if (partition && key) await cache.evict(tenantId, String(partition), String(key))
        const tenant = encodeURIComponent(tenantId)
        await redis?.del(
          `${prefix}:conversation:${tenant}:${encodeURIComponent(String(conversation_id))}`,
          `${prefix}:stream:${tenantId}:${String(id)}`,
        )
      }
      if (done.length > 0) {
        const runs = done.flatMap(({ run_id, callback_id }) => [String(run_id), ...(callback_id ? [String(callback_id)] : [])])
        await database.forTenant(tenantId, ERASE, [runs, done.map(({ id }) => String(id)), requesterId])
      }
      return { tickets: done.length, inProgress: rows.length - done.length }
    },
  }
}
