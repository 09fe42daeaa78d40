import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { toJson, toText } from '#shared/database/json.ts'
import { Audience, Chunk, DocumentState } from '#shared/domain/document.ts'
import { ParsedDocument } from '#shared/domain/indexing.ts'
import type { DocumentIntake } from '#shared/ports/document-intake.ts'
import type { DocumentStore, StoredDocument } from '#shared/ports/document-store.ts'
import type { Knowledge } from '#shared/ports/knowledge.ts'
import type { DenseIndex, SparseIndex } from '#shared/ports/search-index.ts'
import { insertRuns, newRunRows } from './run-rows.ts'

const DocumentRow = z.object({
  tenant_id: z.string(),
  id: z.string(),
  title: z.string(),
  body: z.string(),
  content_type: z.string(),
  url: z.string().nullable(),
  product: z.string().nullable(),
  audience: Audience,
  language: z.string().nullable(),
  modified_at: z.string().nullable(),
  content_hash: z.string(),
  state: DocumentState,
  error_code: z.string().nullable(),
  error_reason: z.string().nullable(),
})

/** A run that died leaves its document in whatever state it was: the run's end is the truth, so it is read along. */
const GET = `
  SELECT d.*, CASE WHEN r.status IN ('dead', 'cancelled') AND d.state IN ('queued', 'indexing') THEN 'failed' ELSE d.state END AS state,
    COALESCE(d.error_code, l.code) AS error_code, COALESCE(d.error_reason, l.message) AS error_reason
  FROM documents d LEFT JOIN runs r ON r.id = d.run_id
  LEFT JOIN LATERAL (SELECT code, message FROM dead_letters WHERE run_id = d.run_id ORDER BY seq DESC LIMIT 1) l ON r.status = 'dead'
  WHERE d.tenant_id = $1 AND d.id = $2`

/**
 * Writes for a version that is not the document's any more are dropped: this condition stands in every one of them. The lock
 * lets the version change, or the document go, only before or after the whole write.
 */
const IS_CURRENT = 'EXISTS (SELECT 1 FROM documents d WHERE d.tenant_id = $1 AND d.id = $2 AND d.content_hash = $3 FOR SHARE)'

export function createDocumentStore(database: Database): DocumentStore {
  const query = database.forTenant.bind(database)
  return {
    async get(tenantId, documentId) {
      const rows = await query(tenantId, GET, [documentId])
      return rows.length === 0 ? undefined : toDocument(rows[0])
    },
    async markState(tenantId, documentId, contentHash, state) {
      const sql = `
        UPDATE documents SET state = $4, error_code = $5, error_reason = $6, chunk_count = COALESCE($7, chunk_count), updated_at = now()
        WHERE tenant_id = $1 AND id = $2 AND content_hash = $3 RETURNING id`
      const failed = state.state === 'failed' ? [state.code, toText(state.reason)] : [null, null]
      const count = state.state === 'indexed' ? state.chunks : null
      return (await query(tenantId, sql, [documentId, contentHash, state.state, ...failed, count])).length > 0
    },
    async saveParsed(tenantId, documentId, contentHash, parsed) {
      const sql = `
        INSERT INTO parsed_documents (tenant_id, document_id, content_hash, parsed) SELECT $1, $2, $3, $4::jsonb WHERE ${IS_CURRENT}
        ON CONFLICT (tenant_id, document_id) DO UPDATE SET content_hash = EXCLUDED.content_hash, parsed = EXCLUDED.parsed`
      await query(tenantId, sql, [documentId, contentHash, toJson(parsed)])
    },
    async parsedOf(tenantId, documentId, contentHash) {
      const sql = 'SELECT parsed FROM parsed_documents WHERE tenant_id = $1 AND document_id = $2 AND content_hash = $3'
      const rows = await query(tenantId, sql, [documentId, contentHash])
      return rows.length === 0 ? undefined : ParsedDocument.parse(rows[0]!.parsed)
    },
    async saveChunks(tenantId, documentId, contentHash, chunks) {
      const sql = `
        WITH incoming AS (
          SELECT (chunk->>'position')::int AS position, chunk FROM jsonb_array_elements($4::jsonb) AS chunk WHERE ${IS_CURRENT}
        ), surplus AS (
          DELETE FROM chunks WHERE tenant_id = $1 AND document_id = $2 AND ${IS_CURRENT}
            AND position NOT IN (SELECT position FROM incoming)
        )
        INSERT INTO chunks (tenant_id, document_id, content_hash, position, chunk) SELECT $1, $2, $3, position, chunk FROM incoming
        ON CONFLICT (tenant_id, document_id, position) DO UPDATE SET content_hash = EXCLUDED.content_hash, chunk = EXCLUDED.chunk`
      await query(tenantId, sql, [documentId, contentHash, toJson(chunks)])
    },
    async chunksOf(tenantId, documentId, contentHash) {
      const sql = 'SELECT chunk FROM chunks WHERE tenant_id = $1 AND document_id = $2 AND content_hash = $3 ORDER BY position'
      return (await query(tenantId, sql, [documentId, contentHash])).map((row) => Chunk.parse(row.chunk))
    },
    async vectorsOf(tenantId, documentId, embedderId, textHashes) {
      const sql =
        'SELECT text_hash, vector FROM vectors WHERE tenant_id = $1 AND document_id = $2 AND embedder_id = $3 AND text_hash = ANY($4)'
      const rows = await query(tenantId, sql, [documentId, embedderId, textHashes])
      return new Map(rows.map((row) => [String(row.text_hash), fromBytes(row.vector as Uint8Array)]))
    },
    async saveVectors(tenantId, documentId, embedderId, vectors) {
      const sql = `
        INSERT INTO vectors (tenant_id, document_id, embedder_id, text_hash, vector)
        SELECT $1, $2, $3, v.text_hash, decode(v.vector, 'base64') FROM jsonb_to_recordset($4::jsonb) AS v(text_hash text, vector text)
        WHERE EXISTS (SELECT 1 FROM documents d WHERE d.tenant_id = $1 AND d.id = $2 FOR SHARE)
        ON CONFLICT DO NOTHING`
      const rows = [...vectors].map(([text_hash, vector]) => ({ text_hash, vector: toBytes(vector).toString('base64') }))
      await query(tenantId, sql, [documentId, embedderId, JSON.stringify(rows)])
    },
    async pruneVectors(tenantId, documentId, embedderId, keepHashes) {
      const sql =
        'DELETE FROM vectors WHERE tenant_id = $1 AND document_id = $2 AND embedder_id = $3 AND NOT (text_hash = ANY($4))'
      await query(tenantId, sql, [documentId, embedderId, keepHashes])
    },
  }
}

export function createDocumentIntake(
  database: Database,
  indexes: { dense: DenseIndex; sparse: SparseIndex; knowledge: Knowledge },
): DocumentIntake {
  return {
    async accept(document, run) {
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
      ])
      const standing = z.object({ run_id: z.string(), state: DocumentState }).parse(rows[0])
      return standing.run_id === run.id
        ? { kind: 'queued' }
        : { kind: 'unchanged', runId: standing.run_id, state: standing.state }
    },
    async remove(tenantId, documentId) {
      // The row goes first: from then on no step of a run that is under way can write anything of this document, and what
      // was being written is there for the second statement to see. The rest follows even when the row was gone before, so
      // that a repeat after a crash finishes the work.
      const gone = await database.forTenant(tenantId, 'DELETE FROM documents WHERE tenant_id = $1 AND id = $2 RETURNING id', [
        documentId,
      ])
      await database.forTenant(tenantId, REMOVE_PARTS, [documentId])
      const signal = AbortSignal.timeout(10_000)
      await Promise.all([
        indexes.dense.deleteDocument(tenantId, documentId, signal),
        indexes.sparse.deleteDocument(tenantId, documentId, signal),
      ])
      await indexes.knowledge.bump(tenantId)
      return gone.length > 0
    },
  }
}

/** The row changes (and a run begins) only when the content does, or when the last indexing failed; else the standing row is returned. */
const ACCEPT = `
  WITH standing AS (
    SELECT d.run_id, d.state FROM documents d JOIN runs r ON r.id = d.run_id
    WHERE d.tenant_id = $1 AND d.id = $2 AND d.content_hash = $12 AND d.state <> 'failed' AND r.status NOT IN ('dead', 'cancelled')
    FOR UPDATE OF d
  ), ${insertRuns("(CASE WHEN EXISTS (SELECT 1 FROM standing) THEN '[]' ELSE $15 END)")}, written AS (
    INSERT INTO documents (tenant_id, id, title, body, content_type, url, product, audience, language, modified_at, metadata, content_hash,
      run_id, state, created_at, updated_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12, $13, 'queued', $14, $14 WHERE NOT EXISTS (SELECT 1 FROM standing)
    ON CONFLICT (tenant_id, id) DO UPDATE SET title = EXCLUDED.title, body = EXCLUDED.body, content_type = EXCLUDED.content_type,
      url = EXCLUDED.url, product = EXCLUDED.product, audience = EXCLUDED.audience, language = EXCLUDED.language,
      modified_at = EXCLUDED.modified_at, metadata = EXCLUDED.metadata, content_hash = EXCLUDED.content_hash, run_id = EXCLUDED.run_id,
      state = 'queued', error_code = NULL, error_reason = NULL, updated_at = EXCLUDED.updated_at
    RETURNING run_id, state
  )
  SELECT run_id, state FROM written UNION ALL SELECT run_id, state FROM standing`

const REMOVE_PARTS = `
  WITH c AS (DELETE FROM chunks WHERE tenant_id = $1 AND document_id = $2),
    p AS (DELETE FROM parsed_documents WHERE tenant_id = $1 AND document_id = $2)
  DELETE FROM vectors WHERE tenant_id = $1 AND document_id = $2`

export function createKnowledge(database: Database): Knowledge {
  return {
    async version(tenantId) {
      const rows = await database.forTenant(
        tenantId,
        'SELECT version FROM knowledge_versions WHERE tenant_id = $1',
        [],
        'knowledge-version',
      )
      return String(rows[0]?.version ?? 0)
    },
    async bump(tenantId) {
      const sql = `
        INSERT INTO knowledge_versions (tenant_id, version) VALUES ($1, 1)
        ON CONFLICT (tenant_id) DO UPDATE SET version = knowledge_versions.version + 1 RETURNING version`
      return String((await database.forTenant(tenantId, sql))[0]!.version)
    },
  }
}

function toDocument(row: unknown): StoredDocument {
  const parsed = DocumentRow.parse(row)
  const optional = {
    url: parsed.url,
    product: parsed.product,
    language: parsed.language,
    modifiedAt: parsed.modified_at,
    ...(parsed.state === 'failed' ? { code: parsed.error_code, reason: parsed.error_reason } : {}),
  }
  const present = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null))
  return {
    id: parsed.id,
    tenantId: parsed.tenant_id,
    title: parsed.title,
    text: parsed.body,
    contentType: parsed.content_type,
    audience: parsed.audience,
    contentHash: parsed.content_hash,
    state: parsed.state,
    ...present,
  }
}

const toBytes = (vector: Float32Array) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)
/** Copied, because the driver's buffer need not be aligned to 4 bytes. */
const fromBytes = (bytes: Uint8Array) => new Float32Array(Uint8Array.from(bytes).buffer)
