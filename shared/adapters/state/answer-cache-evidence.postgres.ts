import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import type { CacheEvidence } from '#shared/ports/cache-evidence.ts'

const SourceRow = z.object({ id: z.string(), content_hash: z.string(), state: z.string() })
const ObservationRow = z.object({ question_key: z.string(), similarity: z.number(), correct: z.boolean() })

export function createCacheEvidence(database: Database): CacheEvidence {
  return {
    async sources(tenantId, documentIds) {
      const sql = 'SELECT id, content_hash, state FROM documents WHERE tenant_id = $1 AND id = ANY($2)'
      const rows = await database.forTenant(tenantId, sql, [documentIds], 'cache-sources')
      return rows.map((row) => {
        const { id, content_hash, state } = SourceRow.parse(row)
        return { documentId: id, contentHash: content_hash, settled: state === 'indexed' }
      })
    },
    async observe({ tenantId, id, questionKey, ticketId, similarityId, similarity, correct, origin, createdAt }) {
      const sql = `
        INSERT INTO cache_observations (tenant_id, id, question_key, ticket_id, similarity_id, similarity, correct, origin, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`
      const params = [id, questionKey, ticketId, similarityId, similarity, correct, origin, createdAt]
      await database.forTenant(tenantId, sql, params)
    },
    async observations(tenantId, similarityId, limit) {
      const sql = `
        SELECT question_key, similarity, correct FROM cache_observations WHERE tenant_id = $1 AND similarity_id = $2
        ORDER BY created_at DESC LIMIT $3`
      const rows = await database.forTenant(tenantId, sql, [similarityId, limit], 'cache-observations')
      return rows.map((row) => {
        const { question_key, similarity, correct } = ObservationRow.parse(row)
        return { questionKey: question_key, similarity, correct }
      })
    },
  }
}
