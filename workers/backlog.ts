import type { Log } from '#shared/ports/log.ts'
import type { RunLog } from '#shared/ports/run-log.ts'

const COUNT_EVERY_MS = 1_000

export type Backlog = {
  /** Runs of the tenant that are not at rest (people's waits aside), as of about a second ago. */
  of(tenantId: string): number
  total(): number
  stop(): void
}

/**
 * Counts runs that are under way, once a second and process: back-pressure and fairness need a figure that costs nothing to
 * read. While the database is away the last count stands.
 */
export async function countBacklog(runs: Pick<RunLog, 'backlog'>, log: Log): Promise<Backlog> {
  let byTenant = new Map<string, number>()
  let total = 0
  let counting = false
  const count = async (): Promise<void> => {
    if (counting) return
    counting = true
    try {
      const next = new Map<string, number>()
      for (const row of await runs.backlog())
        if (row.status !== 'waiting') next.set(row.tenantId, (next.get(row.tenantId) ?? 0) + row.count)
      byTenant = next
      total = [...next.values()].reduce((sum, n) => sum + n, 0)
    } catch (error) {
      log.warn({ err: error }, 'could not count the backlog; the last count stands')
    } finally {
      counting = false
    }
  }
  await count()
  const timer = setInterval(() => void count(), COUNT_EVERY_MS)
  return { of: (tenantId) => byTenant.get(tenantId) ?? 0, total: () => total, stop: () => clearInterval(timer) }
}
