import { createApi } from '#api/server.ts'
import { hashKey } from '#cli/admin-key.ts'
import { type Platform, startPlatform } from '#cli/platform.ts'
import { TenantConfig } from '#shared/domain/tenant.ts'
import { createLog } from '#shared/wiring.ts'
import { countBacklog } from '#workers/backlog.ts'
import { createRunMover } from '#workers/move-run.ts'
import { BENCH_KEY, benchConfig } from '../bench-config.ts'
import { answerCalls } from '../side.ts'

/** The product's API process on its stores, as `answerline api` runs it; nobody works on what it takes in. */
type Where = { readonly redisUrl: string; readonly databaseUrl: string; readonly dataDir: string }

let platform: Platform
const closers: (() => unknown)[] = []

/** No limit of a tenant shall have a part in the figure. */
const BOUNDLESS = { ticketsPerMinute: 1e9, ticketsPerMinutePerUser: 1e9, maxBacklog: 1e9, searchesPerMinute: 1e9 }

async function open(where: Where): Promise<{ url: string }> {
  platform = await startPlatform({ config: benchConfig(where), roles: { api: true, work: false }, log: createLog('warn') })
  await limit(BOUNDLESS)
  return { url: platform.url }
}

async function limit(limits: Partial<typeof BOUNDLESS>): Promise<void> {
  const config = TenantConfig.parse({ limits: { ...BOUNDLESS, ...limits } })
  await platform.doors.tenants.update('default', { config })
}

/** The same API once more on the same stores, which refuses all work beyond so many runs; 500,000 would take long to fill. */
async function openSmall({ maxBacklogTotal }: { readonly maxBacklogTotal: number }): Promise<{ url: string }> {
  const { doors, engine } = platform
  const backlog = await countBacklog(doors.runs, doors.log)
  const healthy = async () => ({ ok: true, checks: {} })
  const app = createApi({
    ...doors,
    mover: createRunMover(engine),
    collectBatches: async () => 0,
    webhookSecrets: {},
    adminKeyHash: hashKey(BENCH_KEY),
    backlogOf: backlog.of,
    backlogTotal: backlog.total,
    backlogTook: backlog.took,
    crowded: backlog.crowded,
    maxBacklogTotal,
    readiness: healthy,
    liveness: healthy,
  })
  closers.push(() => app.close(), backlog.stop)
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }) }
}

/** What is durable, by the database's own count. */
async function counts(): Promise<{ tickets: number; queued: number; jobs: number }> {
  const { database, dispatcher } = platform.doors
  const sql = "SELECT (SELECT count(*) FROM tickets) AS tickets, (SELECT count(*) FROM runs WHERE status = 'queued') AS queued"
  const [row] = await database.asSystem('the benchmark counts what it sent', sql)
  const depths = await dispatcher.depths()
  return {
    tickets: Number(row!.tickets),
    queued: Number(row!.queued),
    jobs: depths.reduce((sum, { waiting }) => sum + waiting, 0),
  }
}

answerCalls({ open, limit, openSmall, counts }, async () => {
  for (const close of closers) await close()
  await platform?.stop()
})
