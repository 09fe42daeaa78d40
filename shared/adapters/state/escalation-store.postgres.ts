import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { toJson, toText } from '#shared/database/json.ts'
import type { Escalation, EscalationStore } from '#shared/ports/escalation-store.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { createAesGcmSealer } from '../sealing/sealer.aes-gcm.ts'
import { escalationAt } from './sealed-places.ts'

const EscalationRow = z.object({
  id: z.string(),
  tenant_id: z.string(),
  run_id: z.string(),
  ticket_id: z.string(),
  visit: z.int(),
  severity: z.string(),
  reason: z.string(),
  summary: z.string(),
  evidence: z.array(z.object({ title: z.string(), url: z.string().optional(), text: z.string() })),
  created_at: z.date(),
  expires_at: z.date(),
  claimed_by: z.string().nullable(),
  claimed_at: z.date().nullable(),
  resolution: z.enum(['answered', 'dismissed', 'expired', 'cancelled', 'withdrawn']).nullable(),
  resolved_by: z.string().nullable(),
  resolved_at: z.date().nullable(),
})

export function createEscalationStore(database: Database, sealer: Sealer = createAesGcmSealer([])): EscalationStore {
  const toEscalation = (row: unknown) => openEscalation(sealer, row)
  const one = (rows: readonly unknown[]) => (rows.length === 0 ? undefined : toEscalation(rows[0]))
  return {
    async open(escalation) {
      // DO UPDATE with no change, because DO NOTHING would not return the row that stands.
      const sql = `
        INSERT INTO escalations (tenant_id, id, run_id, ticket_id, visit, severity, reason, summary, evidence, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11)
        ON CONFLICT (run_id, visit) DO UPDATE SET run_id = escalations.run_id RETURNING *`
      const { id, runId, ticketId, visit, severity, reason, summary, evidence, createdAt, expiresAt } = escalation
      const seal = (part: 'reason' | 'summary', text: string) =>
        sealer.seal(toText(text), escalationAt(escalation.tenantId, id, part))
      const params = [
        id,
        runId,
        ticketId,
        visit,
        severity,
        seal('reason', reason),
        seal('summary', summary),
        toJson(evidence),
        createdAt,
        expiresAt,
      ]
      return toEscalation((await database.forTenant(escalation.tenantId, sql, params, 'escalation-open'))[0])
    },
    async list(tenantId, filter) {
      const sql = `
        SELECT * FROM escalations WHERE tenant_id = $1 AND ($2 = (resolution IS NULL)) AND ($3::text IS NULL OR claimed_by = $3)
          AND ($4::text IS NULL OR (severity, created_at, id) > (SELECT severity, created_at, id FROM escalations WHERE tenant_id = $1 AND id = $4))
        ORDER BY severity, created_at, id LIMIT $5`
      const params = [filter.open, filter.claimedBy ?? null, filter.after ?? null, filter.limit]
      return (await database.forTenant(tenantId, sql, params)).map(toEscalation)
    },
    find: async (tenantId, id) =>
      one(await database.forTenant(tenantId, 'SELECT * FROM escalations WHERE tenant_id = $1 AND id = $2', [id])),
    ofRun: async (tenantId, runId) =>
      one(
        await database.forTenant(
          tenantId,
          'SELECT * FROM escalations WHERE tenant_id = $1 AND run_id = $2 ORDER BY visit DESC LIMIT 1',
          [runId],
        ),
      ),
    async claim(tenantId, id, by, at) {
      const sql = `
        UPDATE escalations SET claimed_by = $3, claimed_at = COALESCE(CASE WHEN claimed_by = $3 THEN claimed_at END, $4)
        WHERE tenant_id = $1 AND id = $2 AND resolution IS NULL AND (claimed_by IS NULL OR claimed_by = $3) RETURNING id`
      return (await database.forTenant(tenantId, sql, [id, by, at])).length > 0
    },
    async resolve(tenantId, runId, resolution, by, at) {
      const sql = `
        UPDATE escalations SET resolution = $3, resolved_by = $4, resolved_at = $5
        WHERE tenant_id = $1 AND run_id = $2 AND resolution IS NULL`
      await database.forTenant(tenantId, sql, [runId, resolution, by, at])
    },
  }
}

function openEscalation(sealer: Sealer, row: unknown): Escalation {
  const parsed = EscalationRow.parse(row)
  const open = (part: 'reason' | 'summary') => sealer.open(parsed[part], escalationAt(parsed.tenant_id, parsed.id, part))
  return {
    id: parsed.id,
    tenantId: parsed.tenant_id,
    runId: parsed.run_id,
    ticketId: parsed.ticket_id,
    visit: parsed.visit,
    severity: parsed.severity,
    reason: open('reason'),
    summary: open('summary'),
    evidence: parsed.evidence.map(({ title, url, text }) => ({ title, text, ...(url === undefined ? {} : { url }) })),
    createdAt: parsed.created_at,
    expiresAt: parsed.expires_at,
    claimedBy: parsed.claimed_by,
    claimedAt: parsed.claimed_at,
    resolution: parsed.resolution,
    resolvedBy: parsed.resolved_by,
    resolvedAt: parsed.resolved_at,
  }
}
