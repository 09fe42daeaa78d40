import type { Database } from '#shared/database/client.ts'
import { groupByTenant } from '#shared/database/group-by-tenant.ts'
import { toJson } from '#shared/database/json.ts'
import { AnswerExample } from '#shared/domain/tenant-answer-examples.ts'
import type { ExampleBank } from '#shared/ports/example-bank.ts'

export function createExampleBank(database: Database): ExampleBank {
  const list = groupByTenant(async (tenantId: string, limits: readonly number[]) => {
    const sql = 'SELECT example FROM answer_examples WHERE tenant_id = $1 ORDER BY created_at DESC, ticket_id LIMIT $2'
    const rows = await database.forTenant(tenantId, sql, [Math.max(...limits)], 'answer-examples')
    const examples = rows.map((row) => AnswerExample.parse(row['example']))
    return limits.map((limit) => examples.slice(0, limit))
  })
  return {
    async add(tenantId, ticketId, example, now) {
      const sql = `
        INSERT INTO answer_examples (tenant_id, ticket_id, example, created_at) VALUES ($1, $2, $3::jsonb, $4) ON CONFLICT DO NOTHING`
      await database.forTenant(tenantId, sql, [ticketId, toJson(example), now])
    },
    async remove(tenantId, ticketId) {
      await database.forTenant(tenantId, 'DELETE FROM answer_examples WHERE tenant_id = $1 AND ticket_id = $2', [ticketId])
    },
    list,
  }
}
