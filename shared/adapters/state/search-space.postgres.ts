import type { Database } from '#shared/database/client.ts'
import type { SearchSpace } from '#shared/ports/search-space.ts'

const WHY = 'one embedder serves all tenants of an installation'

export function createSearchSpace(database: Database): SearchSpace {
  const current = async () =>
    (await database.asSystem(WHY, 'SELECT embedder_id FROM search_space'))[0]?.embedder_id as string | undefined
  return {
    current,
    async claim(embedderId, now) {
      // Documents without a place are of a version that did not write it down: their index must be built, not believed in.
      const sql = `
        INSERT INTO search_space (embedder_id, switched_at)
        SELECT CASE WHEN EXISTS (SELECT 1 FROM documents WHERE state = 'indexed') THEN 'unknown' ELSE $1 END, $2
        ON CONFLICT DO NOTHING`
      await database.asSystem(WHY, sql, [embedderId, now])
      return (await current())!
    },
    async switchTo(embedderId, now) {
      const sql = `
        INSERT INTO search_space (embedder_id, switched_at) VALUES ($1, $2)
        ON CONFLICT (only_row) DO UPDATE SET embedder_id = EXCLUDED.embedder_id, switched_at = EXCLUDED.switched_at`
      await database.asSystem(WHY, sql, [embedderId, now])
    },
  }
}
