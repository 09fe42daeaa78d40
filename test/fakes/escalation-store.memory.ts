import type { Escalation, EscalationStore } from '#shared/ports/escalation-store.ts'

const byUrgency = (a: Escalation, b: Escalation) =>
  a.severity.localeCompare(b.severity) ||
  a.createdAt.getTime() - b.createdAt.getTime() ||
  (a.id < b.id ? -1 : Number(a.id > b.id))

/** `rows` holds every escalation there is. */
export function memoryEscalations(): EscalationStore & { readonly rows: Escalation[] } {
  const rows: Escalation[] = []
  const change = (index: number, more: Partial<Escalation>) => {
    rows[index] = { ...rows[index]!, ...more }
  }
  return {
    rows,
    async open(escalation) {
      const standing = rows.find(({ runId, visit }) => runId === escalation.runId && visit === escalation.visit)
      if (standing) return standing
      const unclaimed = { claimedBy: null, claimedAt: null, resolution: null, resolvedBy: null, resolvedAt: null }
      rows.push({ ...structuredClone(escalation), ...unclaimed })
      return rows.at(-1)!
    },
    async list(tenantId, { open, claimedBy, after, limit }) {
      const own = rows.filter((row) => row.tenantId === tenantId).toSorted(byUrgency)
      const last = own.find(({ id }) => id === after)
      if (after !== undefined && !last) return []
      return own
        .filter((row) => open === (row.resolution === null) && (last === undefined || byUrgency(row, last) > 0))
        .filter((row) => claimedBy === undefined || row.claimedBy === claimedBy)
        .slice(0, limit)
    },
    find: async (tenantId, id) => rows.find((row) => row.tenantId === tenantId && row.id === id),
    ofRun: async (tenantId, runId) => rows.findLast((row) => row.tenantId === tenantId && row.runId === runId),
    async claim(tenantId, id, by, at) {
      const index = rows.findIndex((row) => row.tenantId === tenantId && row.id === id)
      const row = rows[index]
      if (!row || row.resolution !== null || (row.claimedBy !== null && row.claimedBy !== by)) return false
      change(index, { claimedBy: by, claimedAt: row.claimedAt ?? at })
      return true
    },
    async resolve(tenantId, runId, resolution, by, at) {
      for (const [index, row] of rows.entries())
        if (row.tenantId === tenantId && row.runId === runId && row.resolution === null)
          change(index, { resolution, resolvedBy: by, resolvedAt: at })
    },
  }
}
