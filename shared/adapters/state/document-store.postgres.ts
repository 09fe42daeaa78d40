import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { groupByTenant } from '#shared/database/group-by-tenant.ts'
import { toJson, toText } from '#shared/database/json.ts'
import { ChunkingChoice } from '#shared/domain/chunking.ts'
import { Audience, Chunk, DocumentState } from '#shared/domain/document.ts'
import { ParsedDocument } from '#shared/domain/indexing.ts'
import type { DocumentStore, StoredDocument } from '#shared/ports/document-store.ts'
import type { Knowledge } from '#shared/ports/knowledge.ts'
import { ABANDONED } from './document-parts.ts'

const DocumentRow = z.object({
  tenant_id: z.string(),
  id: z.string(),
  title: z.string(),
  found_title: z.string().nullable(),
  body: z.string(),
  content_type: z.string(),
  url: z.string().nullable(),
  product: z.string().nullable(),
  audience: Audience,
  language: z.string().nullable(),
  modified_at: z.string().nullable(),
  chunking: ChunkingChoice.nullable(),
  content_hash: z.string(),
  state: DocumentState,
  error_code: z.string().nullable(),
  error_reason: z.string().nullable(),
})

/** The run's end is the truth, so it is read along. */
const STATE = `CASE WHEN ${ABANDONED} THEN 'failed' ELSE d.state END`
const COLUMNS = `d.tenant_id, d.id, d.title, d.found_title, d.content_type, d.url, d.product, d.audience, d.language, d.modified_at, d.chunking,
  d.content_hash, ${STATE} AS state, COALESCE(d.error_code, l.code, CASE r.status WHEN 'cancelled' THEN 'run-cancelled' ELSE 'run-ended' END) AS error_code,
  COALESCE(d.error_reason, l.message, CASE r.status WHEN 'cancelled' THEN 'its run was cancelled'
    ELSE 'its run ended before it was indexed; try again' END) AS error_reason`
const FROM = `FROM documents d LEFT JOIN runs r ON r.id = d.run_id
  LEFT JOIN LATERAL (SELECT code, message FROM dead_letters WHERE run_id = d.run_id ORDER BY seq DESC LIMIT 1) l ON r.status = 'dead'`
const GET = `SELECT ${COLUMNS}, d.body ${FROM} WHERE d.tenant_id = $1 AND d.id = $2`
/** Without the text: a page of a list would be hundreds of megabytes. */
const SELECT = `SELECT ${COLUMNS}, '' AS body ${FROM}`

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
    async originalOf(tenantId, documentId, contentHash) {
      const sql = 'SELECT bytes FROM document_originals WHERE tenant_id = $1 AND document_id = $2 AND content_hash = $3'
      return (await query(tenantId, sql, [documentId, contentHash]))[0]?.bytes as Uint8Array | undefined
    },
    async list(tenantId, { state, after, limit }) {
      const sql = `${SELECT} WHERE d.tenant_id = $1 AND d.id > $2 AND ($3::text IS NULL OR ${STATE} = $3) ORDER BY d.id LIMIT $4`
      const rows = await query(tenantId, sql, [after ?? '', state ?? null, limit])
      return rows.map((row) => toDocument(row))
    },
    async saveParsed(tenantId, documentId, contentHash, parsed) {
      const sql = `
        INSERT INTO parsed_documents (tenant_id, document_id, content_hash, parsed) SELECT $1, $2, $3, $4::jsonb WHERE ${IS_CURRENT}
        ON CONFLICT (tenant_id, document_id) DO UPDATE SET content_hash = EXCLUDED.content_hash, parsed = EXCLUDED.parsed`
      await query(tenantId, sql, [documentId, contentHash, toJson(parsed)])
      // Not in the statement above: a row that a statement changes cannot be locked by it.
      const titleSql = 'UPDATE documents SET found_title = $4 WHERE tenant_id = $1 AND id = $2 AND content_hash = $3'
      await query(tenantId, titleSql, [documentId, contentHash, toText(parsed.title)])
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

export function createKnowledge(database: Database): Knowledge {
  const version = groupByTenant(async (tenantId: string, calls: readonly undefined[]) => {
    const sql = 'SELECT version FROM knowledge_versions WHERE tenant_id = $1'
    const rows = await database.forTenant(tenantId, sql, [], 'knowledge-version')
    return calls.map(() => String(rows[0]?.version ?? 0))
  })
  return {
    version: (tenantId) => version(tenantId, undefined),
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
    chunking: parsed.chunking,
    foundTitle: parsed.found_title,
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
