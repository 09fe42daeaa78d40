import type { Log } from '#shared/ports/log.ts'
import type { RunLog } from '#shared/ports/run-log.ts'

const COUNT_EVERY_MS = 1_000

export type Backlog = {
  /** Runs of the tenant that are not at rest (people's waits aside), as of about a second ago. */
  of(tenantId: string): number
  total(): number
  /** Whether the tenant has so many runs on the move that its next one had better wait in the log than in a queue. */
  crowded(tenantId: string): boolean
  stop(): void
}

/** Runs of one tenant that are queued or being worked on; several times what a worker process takes in hand at once. */
export const CROWDED_FROM = 2_000

/**
 * Counts runs that are under way, once a second and process: back-pressure and fairness need a figure that costs nothing to
 * read. While the database is away the last count stands.
 */
export async function countBacklog(runs: Pick<RunLog, 'backlog'>, log: Log): Promise<Backlog> {
  let byTenant = new Map<string, number>()
  let moving = new Map<string, number>()
  let total = 0
  let counting = false
  const count = async (): Promise<void> => {
    if (counting) return
    counting = true
    try {
      const rows = await runs.backlog()
      byTenant = countOf(rows.filter(({ status }) => status !== 'waiting'))
      // A parked run waits for a provider and is in nobody's way.
      moving = countOf(rows.filter(({ status }) => status !== 'waiting' && status !== 'parked'))
      total = [...byTenant.values()].reduce((sum, n) => sum + n, 0)
    } catch (error) {
      log.warn({ err: error }, 'could not count the backlog; the last count stands')
    } finally {
      counting = false
    }
  }
  await count()
  const timer = setInterval(() => void count(), COUNT_EVERY_MS)
  return {
    of: (tenantId) => byTenant.get(tenantId) ?? 0,
    total: () => total,
    crowded: (tenantId) => (moving.get(tenantId) ?? 0) >= CROWDED_FROM,
    stop: () => clearInterval(timer),
  }
}

function countOf(rows: readonly { readonly tenantId: string; readonly count: number }[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { tenantId, count } of rows) counts.set(tenantId, (counts.get(tenantId) ?? 0) + count)
  return counts
}
