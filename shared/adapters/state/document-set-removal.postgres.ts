import type { Database } from '#shared/database/client.ts'
import { toJson } from '#shared/database/json.ts'
import type { ItemFailure } from '#shared/domain/document-set.ts'
import { ENDED } from '#shared/domain/run.ts'
import type { DocumentSetRemoval } from '#shared/ports/document-set-store.ts'

const KEEPER = 'the keeper clears away deleted sets of every tenant'

/** What a run's model calls wrote goes, what they cost stays; a request that may be on its way to a provider is emptied with its batch. */
const emptyCalls = (runs: string) => `
  calls AS (UPDATE model_calls SET reply = '' WHERE reply IS NOT NULL AND run_id IN (${runs})),
  asked AS (UPDATE batch_requests SET body = '' WHERE state <> 'packed' AND body <> '' AND run_id IN (${runs}))`

const REMOVE = `
  UPDATE document_sets SET deleted_at = $3, state = CASE WHEN state = 'running' THEN 'cancelling' ELSE state END
  WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING id`

/** Not before its runs have ended: a step under way would miss what it works on. */
const PURGE = `
  WITH gone AS (
    SELECT s.id FROM document_sets s WHERE s.deleted_at IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM document_set_items i JOIN runs r ON r.id = i.run_id WHERE i.set_id = s.id AND NOT (r.status = ANY($1)))
    ORDER BY s.deleted_at LIMIT $2
  ), items AS (
    SELECT i.run_id FROM document_set_items i JOIN gone ON i.set_id = gone.id
  ), ${emptyCalls('SELECT run_id FROM items')}
  DELETE FROM document_sets s USING gone WHERE s.id = gone.id RETURNING s.id`

const OPEN_RUNS = `
  SELECT i.run_id FROM document_set_items i JOIN runs r ON r.id = i.run_id
  WHERE i.tenant_id = $1 AND i.document_id = $2 AND NOT (r.status = ANY($3))`

/** Whatever is still under way of it finds its item ended, and writes nothing more. */
const FORGET = `
  WITH items AS (
    UPDATE document_set_items SET inline = NULL, parsed = NULL, draft = NULL, result = NULL, title = '', failure = $3::jsonb,
      state = CASE WHEN state = 'open' THEN 'failed' ELSE state END, ended_at = COALESCE(ended_at, $4)
    WHERE tenant_id = $1 AND document_id = $2 RETURNING run_id
  ), ${emptyCalls('SELECT run_id FROM items')}
  SELECT count(*) FROM items`

const DELETED: ItemFailure = { code: 'document-deleted', reason: 'the document was deleted, and its digest with it' }

export function createDocumentSetRemoval(database: Database): DocumentSetRemoval {
  return {
    remove: async (tenantId, setId, at) => (await database.forTenant(tenantId, REMOVE, [setId, at])).length > 0,
    purge: async (limit) => (await database.asSystem(KEEPER, PURGE, [ENDED, limit])).length,
    async openRunsOf(tenantId, documentId) {
      const rows = await database.forTenant(tenantId, OPEN_RUNS, [documentId, ENDED])
      return rows.map((row) => String(row.run_id))
    },
    async forgetDocument(tenantId, documentId, at) {
      await database.forTenant(tenantId, FORGET, [documentId, toJson(DELETED), at])
    },
  }
}
