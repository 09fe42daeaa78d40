import type { Log } from '#shared/ports/log.ts'
import type { RunLog } from '#shared/ports/run-log.ts'

const COUNT_EVERY_MS = 1_000
/** A long queue takes long to count; so much of the time is left to those who fill it and work on it. */
const REST = 50

export type Backlog = {
  /** Runs of the tenant that are not at rest (people's waits aside): as last counted, and what this process took in since. */
  of(tenantId: string): number
  total(): number
  /** Whether the tenant has so many runs on the move that its next one had better wait in the log than in a queue. */
  crowded(tenantId: string): boolean
  /** One more of the tenant's runs is durable. */
  took(tenantId: string): void
  stop(): void
}

/** Runs of one tenant that are queued or being worked on; several times what a worker process takes in hand at once. */
export const CROWDED_FROM = 2_000

/**
 * Counts runs that are under way, once a second and process, less often where there are very many: back-pressure and fairness need a
 * figure that costs nothing to read. While the database is away the last count stands.
 */
export async function countBacklog(runs: Pick<RunLog, 'backlog'>, log: Log): Promise<Backlog> {
  let byTenant = new Map<string, number>()
  let moving = new Map<string, number>()
  let total = 0
  let since = new Map<string, number>()
  /** Taken in since the last count, and before the one that is under way: until that has ended neither of them knows of it. */
  let counting = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const count = async (): Promise<void> => {
    const startedAt = performance.now()
    try {
      counting = plus(counting, since)
      since = new Map()
      const rows = await runs.backlog()
      counting = new Map()
      byTenant = countOf(rows.filter(({ status }) => status !== 'waiting'))
      // A parked run waits for a provider and is in nobody's way.
      moving = countOf(rows.filter(({ status }) => status !== 'waiting' && status !== 'parked'))
      total = sumOf(byTenant)
    } catch (error) {
      log.warn({ err: error }, 'could not count the backlog; the last count stands')
    }
    if (!stopped) timer = setTimeout(() => void count(), Math.max(COUNT_EVERY_MS, REST * (performance.now() - startedAt)))
  }
  await count()
  return {
    of: (tenantId) => (byTenant.get(tenantId) ?? 0) + (counting.get(tenantId) ?? 0) + (since.get(tenantId) ?? 0),
    total: () => total + sumOf(counting) + sumOf(since),
    crowded: (tenantId) => (moving.get(tenantId) ?? 0) >= CROWDED_FROM,
    took: (tenantId) => void since.set(tenantId, (since.get(tenantId) ?? 0) + 1),
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}

const sumOf = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, n) => sum + n, 0)

function plus(counts: ReadonlyMap<string, number>, more: ReadonlyMap<string, number>): Map<string, number> {
  const all = new Map(counts)
  for (const [tenantId, n] of more) all.set(tenantId, (all.get(tenantId) ?? 0) + n)
  return all
}

function countOf(rows: readonly { readonly tenantId: string; readonly count: number }[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { tenantId, count } of rows) counts.set(tenantId, (counts.get(tenantId) ?? 0) + count)
  return counts
}
