import { LRUCache } from 'lru-cache'
import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { toJson, toText } from '#shared/database/json.ts'
import { DigestDraft, DigestResult } from '#shared/domain/digest.ts'
import { DocumentInput } from '#shared/domain/document.ts'
import { SetOrder } from '#shared/domain/document-set.ts'
import { ParsedDocument } from '#shared/domain/indexing.ts'
import type { DigestItems } from '#shared/ports/document-set-store.ts'

const Row = z.object({
  set_id: z.string(),
  position: z.int(),
  document_id: z.string().nullable(),
  inline: DocumentInput.nullable(),
})
const IS_OPEN = "tenant_id = $1 AND run_id = $2 AND state = 'open'"

export function createDigestItems(database: Database): DigestItems {
  const query = database.forTenant.bind(database)
  /** What a set asks for never changes; with a schema to be read, it is not read anew for each of its documents. */
  const orders = new LRUCache<string, SetOrder>({ max: 100 })

  async function orderOf(tenantId: string, setId: string): Promise<SetOrder> {
    const known = orders.get(setId)
    if (known) return known
    const [row] = await query(tenantId, 'SELECT spec FROM document_sets WHERE tenant_id = $1 AND id = $2', [setId])
    const order = SetOrder.parse(row?.spec)
    orders.set(setId, order)
    return order
  }
  async function columnOf<T>(tenantId: string, runId: string, column: 'parsed' | 'draft' | 'result', type: z.ZodType<T>) {
    const [row] = await query(tenantId, `SELECT ${column} FROM document_set_items WHERE tenant_id = $1 AND run_id = $2`, [runId])
    return row?.[column] ? type.parse(row[column]) : undefined
  }

  return {
    async of(tenantId, runId) {
      const sql = 'SELECT set_id, position, document_id, inline FROM document_set_items WHERE tenant_id = $1 AND run_id = $2'
      const [found] = await query(tenantId, sql, [runId])
      if (!found) return undefined
      const { set_id, position, document_id, inline } = Row.parse(found)
      const { settings } = await orderOf(tenantId, set_id)
      return { setId: set_id, position, documentId: document_id, inline, settings }
    },
    async saveParsed(tenantId, runId, parsed, contentHash) {
      const sql = `UPDATE document_set_items SET parsed = $3::jsonb, title = $4, content_hash = $5 WHERE ${IS_OPEN}`
      await query(tenantId, sql, [runId, toJson(parsed), toText(parsed.title), contentHash])
    },
    parsedOf: (tenantId, runId) => columnOf(tenantId, runId, 'parsed', ParsedDocument),
    async saveDraft(tenantId, runId, draft) {
      await query(tenantId, `UPDATE document_set_items SET draft = $3::jsonb WHERE ${IS_OPEN}`, [runId, toJson(draft)])
    },
    draftOf: (tenantId, runId) => columnOf(tenantId, runId, 'draft', DigestDraft),
    async saveResult(tenantId, runId, result) {
      await query(tenantId, `UPDATE document_set_items SET result = $3::jsonb WHERE ${IS_OPEN}`, [runId, toJson(result)])
    },
    resultOf: (tenantId, runId) => columnOf(tenantId, runId, 'result', DigestResult),
    async settle(tenantId, runId, failure, at) {
      // What failed keeps its text until its set ends: a step that is repeated after a crash comes to the same end.
      const sql = `UPDATE document_set_items SET state = $3, failure = $4::jsonb, ended_at = $5,
          inline = CASE WHEN $4 IS NOT NULL THEN inline END, parsed = CASE WHEN $4 IS NOT NULL THEN parsed END,
          draft = CASE WHEN $4 IS NOT NULL THEN draft END
        WHERE ${IS_OPEN}`
      await query(tenantId, sql, [runId, failure ? 'failed' : 'done', failure ? toJson(failure) : null, at])
    },
  }
}
