import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { toJson } from '#shared/database/json.ts'
import { ScheduledQuery, SetOrder } from '#shared/domain/document-set.ts'
import type { DocumentSetSchedules, Schedule } from '#shared/ports/document-set-schedules.ts'

const EVERY_TENANT = 'the keeper looks after the schedules of every tenant; each is named by its id'
const Row = z.object({
  id: z.string(),
  tenant_id: z.string(),
  spec: SetOrder,
  query: ScheduledQuery,
  cron: z.string(),
  time_zone: z.string(),
  next_at: z.date(),
  last_at: z.date().nullable(),
  last_set_id: z.string().nullable(),
  created_at: z.date(),
})

export function createDocumentSetSchedules(database: Database): DocumentSetSchedules {
  const system = (sql: string, params: readonly unknown[] = []) => database.asSystem(EVERY_TENANT, sql, params)
  return {
    async add({ id, tenantId, order, query, cron, timeZone, nextAt, createdAt }) {
      const sql = `INSERT INTO document_set_schedules (tenant_id, id, spec, query, cron, time_zone, next_at, created_at)
        VALUES ($1, $2, $3::jsonb, $4::jsonb, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`
      await database.forTenant(tenantId, sql, [id, toJson(order), toJson(query), cron, timeZone, nextAt, createdAt])
    },
    async list(tenantId) {
      const sql = 'SELECT * FROM document_set_schedules WHERE tenant_id = $1 ORDER BY id'
      return (await database.forTenant(tenantId, sql)).map(toSchedule)
    },
    async remove(tenantId, id) {
      const sql = 'DELETE FROM document_set_schedules WHERE tenant_id = $1 AND id = $2 RETURNING id'
      return (await database.forTenant(tenantId, sql, [id])).length > 0
    },
    async load(id) {
      const [row] = await system('SELECT * FROM document_set_schedules WHERE id = $1', [id])
      return row && toSchedule(row)
    },
    async all() {
      const rows = await system('SELECT id, cron, time_zone FROM document_set_schedules')
      return rows.map((row) => ({ id: String(row.id), cron: String(row.cron), timeZone: String(row.time_zone) }))
    },
    async due(at, limit) {
      const sql = 'SELECT id FROM document_set_schedules WHERE next_at <= $1 ORDER BY next_at LIMIT $2'
      return (await system(sql, [at, limit])).map((row) => String(row.id))
    },
    async fired(id, was, next, setId) {
      const sql = `UPDATE document_set_schedules SET next_at = $3, last_at = $2, last_set_id = COALESCE($4, last_set_id)
        WHERE id = $1 AND next_at = $2`
      await system(sql, [id, was, next, setId])
    },
  }
}

function toSchedule(row: unknown): Schedule {
  const { tenant_id, spec, time_zone, next_at, last_at, last_set_id, created_at, ...rest } = Row.parse(row)
  return {
    ...rest,
    tenantId: tenant_id,
    order: spec,
    timeZone: time_zone,
    nextAt: next_at,
    lastAt: last_at,
    lastSetId: last_set_id,
    createdAt: created_at,
  }
}
