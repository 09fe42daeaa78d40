import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { groupByTenant } from '#shared/database/group-by-tenant.ts'
import { toJson } from '#shared/database/json.ts'
import type { CacheEvidence, CacheObservation } from '#shared/ports/cache-evidence.ts'

const SourceRow = z.object({ id: z.string(), content_hash: z.string(), state: z.string() })
const ObservationRow = z.object({ question_key: z.string(), similarity: z.number(), correct: z.boolean() })

export function createCacheEvidence(database: Database): CacheEvidence {
  const sources = groupByTenant(async (tenantId: string, asked: readonly (readonly string[])[]) => {
    const sql = 'SELECT id, content_hash, state FROM documents WHERE tenant_id = $1 AND id = ANY($2)'
    const rows = await database.forTenant(tenantId, sql, [[...new Set(asked.flat())]], 'cache-sources')
    const found = rows.map((row) => {
      const { id, content_hash, state } = SourceRow.parse(row)
      return { documentId: id, contentHash: content_hash, settled: state === 'indexed' }
    })
    return asked.map((documentIds) => found.filter(({ documentId }) => documentIds.includes(documentId)))
  })
  const observe = groupByTenant(async (tenantId: string, observations: readonly CacheObservation[]) => {
    const sql = `
      INSERT INTO cache_observations (tenant_id, id, question_key, ticket_id, similarity_id, similarity, correct, origin, created_at)
      SELECT $1, o.* FROM jsonb_to_recordset($2::jsonb) AS o(
        id text, "questionKey" text, "ticketId" text, "similarityId" text, similarity float8, correct boolean, origin text, "createdAt" timestamptz)
      ON CONFLICT DO NOTHING`
    await database.forTenant(tenantId, sql, [toJson(observations)], 'cache-observe')
    return observations.map(() => undefined)
  })
  return {
    sources,
    observe: (observation) => observe(observation.tenantId, observation),
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
