import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { toJson } from '#shared/database/json.ts'
import { DocumentState } from '#shared/domain/document.ts'
import type { DocumentCopies } from '#shared/ports/document-copies.ts'
import type { DocumentIntake } from '#shared/ports/document-intake.ts'
import { putOnList } from './document-copies.ts'
import { ABANDONED, OPEN_RUNS, REMOVE_PARTS } from './document-parts.ts'
import { assertServing, type Indexes, removeFromIndexes } from './index-removal.ts'
import { insertRuns, newRunRows } from './run-rows.ts'

export function createDocumentIntake(
  database: Database,
  indexes: Indexes & { readonly copies: Pick<DocumentCopies, 'forget'> },
): DocumentIntake {
  return {
    async accept({ original, ...document }, run) {
      const rows = await database.forTenant(document.tenantId, ACCEPT, [
        document.id,
        document.title,
        document.text,
        document.contentType,
        document.url ?? null,
        document.product ?? null,
        document.audience,
        document.language ?? null,
        document.modifiedAt ?? null,
        toJson(document.metadata ?? {}),
        document.contentHash,
        run.id,
        run.createdAt,
        toJson(newRunRows([run])),
        document.chunking === undefined ? null : toJson(document.chunking),
        original ?? null,
      ])
      const standing = Standing.parse(rows[0])
      if (standing.replaces) await indexes.copies.forget(document.tenantId, document.id, document.contentHash)
      return standing.run_id === run.id
        ? { kind: 'queued' }
        : { kind: 'unchanged', runId: standing.run_id, state: standing.state }
    },
    async retry(tenantId, documentId, contentHash, run) {
      const rows = await database.forTenant(tenantId, RETRY, [documentId, contentHash, run.id, toJson(newRunRows([run]))])
      return rows.length > 0
    },
    async openRunsOf(tenantId, documentId) {
      return (await database.forTenant(tenantId, OPEN_RUNS, [documentId])).map((row) => String(row.id))
    },
    async remove(tenantId, documentId) {
      await assertServing(database, indexes.embedder?.id)
      // The row goes first: from then on no step of a run that is under way can write anything of this document, and what
      // was being written is there for the second statement to see. The rest follows even when the row was gone before, so
      // that a repeat after a crash finishes the work.
      const gone = await database.forTenant(tenantId, REMOVE, [documentId])
      await database.forTenant(tenantId, REMOVE_PARTS, [documentId])
      await Promise.all([removeFromIndexes(database, indexes, tenantId, documentId), indexes.copies.forget(tenantId, documentId)])
      return gone.length > 0
    },
  }
}

const Standing = z.object({ run_id: z.string(), state: DocumentState, replaces: z.boolean() })

const REMOVE = `
  WITH gone AS (DELETE FROM documents WHERE tenant_id = $1 AND id = $2 RETURNING id), listed AS (${putOnList('FROM gone', true)})
  SELECT id FROM gone`

/** The row changes (and a run begins) only when the content does, or when the last indexing failed; else the standing row is returned. */
const ACCEPT = `
  WITH standing AS (
    SELECT d.run_id, d.state FROM documents d JOIN runs r ON r.id = d.run_id
    WHERE d.tenant_id = $1 AND d.id = $2 AND d.content_hash = $12 AND d.state <> 'failed' AND r.status NOT IN ('dead', 'cancelled')
      AND NOT ${ABANDONED}
    FOR UPDATE OF d
  ), ${insertRuns("(CASE WHEN EXISTS (SELECT 1 FROM standing) THEN '[]' ELSE $15 END)")}, written AS (
    INSERT INTO documents (tenant_id, id, title, body, content_type, url, product, audience, language, modified_at, metadata, content_hash,
      run_id, state, created_at, updated_at, chunking)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12, $13, 'queued', $14, $14, $16::jsonb
    WHERE NOT EXISTS (SELECT 1 FROM standing)
    ON CONFLICT (tenant_id, id) DO UPDATE SET title = EXCLUDED.title, body = EXCLUDED.body, content_type = EXCLUDED.content_type,
      url = EXCLUDED.url, product = EXCLUDED.product, audience = EXCLUDED.audience, language = EXCLUDED.language,
      modified_at = EXCLUDED.modified_at, metadata = EXCLUDED.metadata, content_hash = EXCLUDED.content_hash, run_id = EXCLUDED.run_id,
      state = 'queued', error_code = NULL, error_reason = NULL, updated_at = EXCLUDED.updated_at, chunking = EXCLUDED.chunking,
      found_title = NULL
    RETURNING run_id, state
  ), kept AS (
    INSERT INTO document_originals (tenant_id, document_id, content_hash, bytes)
    SELECT $1, $2, $12, $17::bytea FROM written WHERE $17::bytea IS NOT NULL
    ON CONFLICT (tenant_id, document_id) DO UPDATE SET content_hash = EXCLUDED.content_hash, bytes = EXCLUDED.bytes
  ), dropped AS (
    DELETE FROM document_originals WHERE tenant_id = $1 AND document_id = $2 AND $17::bytea IS NULL AND EXISTS (SELECT 1 FROM written)
  ), replaced AS (
    SELECT 1 FROM documents, written WHERE tenant_id = $1 AND id = $2 AND content_hash <> $12
  ), listed AS (${putOnList('FROM replaced', false)})
  SELECT run_id, state, EXISTS (SELECT 1 FROM replaced) AS replaces FROM written UNION ALL SELECT run_id, state, false FROM standing`

/** Only a document at rest begins again: one that is under way comes to its own end. */
const RETRY = `
  WITH resting AS (
    SELECT d.id FROM documents d LEFT JOIN runs r ON r.id = d.run_id
    WHERE d.tenant_id = $1 AND d.id = $2 AND d.content_hash = $3
      AND (d.state IN ('failed', 'indexed') OR ${ABANDONED})
    FOR UPDATE OF d
  ), ${insertRuns("(CASE WHEN EXISTS (SELECT 1 FROM resting) THEN $5 ELSE '[]' END)")}
  UPDATE documents SET state = 'queued', error_code = NULL, error_reason = NULL, run_id = $4, updated_at = now()
  WHERE tenant_id = $1 AND id = $2 AND EXISTS (SELECT 1 FROM resting) RETURNING id`
