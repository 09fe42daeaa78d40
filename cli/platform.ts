import { randomBytes } from 'node:crypto'
import type { Queue } from 'bullmq'
import { createApi } from '#api/server.ts'
import { registerBatchGauges } from '#dashboards/batch-gauges.ts'
import { registerGauges } from '#dashboards/gauges.ts'
import { mountDashboards } from '#dashboards/mount.ts'
import { allQueues } from '#pipelines/registry.ts'
import type { Config } from '#shared/config.ts'
import { DEFAULT_TENANT_ID, TenantConfig } from '#shared/domain/tenant.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Log } from '#shared/ports/log.ts'
import { type Doors, openDoors } from '#shared/wiring.ts'
import { type Backlog, countBacklog } from '#workers/backlog.ts'
import { batchQueues } from '#workers/batch/batch-desk.ts'
import { collect } from '#workers/batch/collect.ts'
import { wakeNextTurn } from '#workers/conversation-steps.ts'
import { documentSetQueues } from '#workers/document-sets/set-desk.ts'
import type { Engine } from '#workers/engine.ts'
import { startWorkers, type WorkerHost } from '#workers/host.ts'
import { createRunMover } from '#workers/move-run.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { steps } from '#workers/steps.ts'
import { adminKey, hashKey } from './admin-key.ts'
import { serveHealth } from './health-server.ts'
import { type PrivateRedis, startPrivateRedis } from './private-redis.ts'
import { settleSearchSpace } from './search-space.ts'
import { type BatchSettings, batchDesk, type RunningBatches, startBatches } from './start-batches.ts'
import { startDocumentSets } from './start-document-sets.ts'
import { WrongUsage } from './usage.ts'

const BATCH_ROLE = 'batch'
/** Beyond this many runs under way in all, new work gets 503 until there are fewer. */
const MAX_BACKLOG_TOTAL = 500_000
const READY_PATIENCE_MS = 2_000
/** Longer than a command to Redis may take: a hanging Redis makes us not ready, but restarting us would not help it. */
const ALIVE_PATIENCE_MS = 7_000

export type Roles = {
  readonly api: boolean
  /** true: all steps and batches; a list: those, `batch` among them for the batch worker; false: none. */
  readonly work: boolean | readonly string[]
}
export type Platform = {
  /** Of the API, or of the health server of a process that only works. */
  readonly url: string
  readonly doors: Doors
  readonly engine: Engine
  readonly key: ReturnType<typeof adminKey>
  /** Stops taking work, finishes or hands back what is in hand, closes everything; within 20 s. */
  stop(): Promise<void>
}
export type PlatformOptions = {
  readonly config: Config
  readonly roles: Roles
  readonly log: Log
  readonly say?: (line: string) => void
  /** Called when this start has made the tenant `default`. */
  readonly onFirstStart?: () => void
  readonly clock?: Clock
  readonly prefix?: string
  readonly batch?: BatchSettings
}

/** The composition root: the roles this process plays, on the stores that the configuration names. */
export async function startPlatform({
  config,
  roles,
  log,
  say = () => {},
  onFirstStart = () => {},
  clock,
  prefix,
  batch,
}: PlatformOptions): Promise<Platform> {
  const alone = roles.api && roles.work === true
  if (!alone && (config.redisUrl === undefined || config.databaseUrl === undefined)) {
    throw new WrongUsage(
      'processes that share the work need REDIS_URL and DATABASE_URL; without them, `answerline up` runs everything in one process',
    )
  }
  if (typeof roles.work === 'object') checkSteps(roles.work)
  let privateRedis: PrivateRedis | undefined
  const closers: (() => Promise<void> | void)[] = []
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    if (config.redisUrl === undefined) {
      privateRedis = await startPrivateRedis(config.dataDir, say)
      closers.push(() => privateRedis!.stop())
    }
    const queueNames = [...allQueues().map(({ queue }) => queue), ...batchQueues(), ...documentSetQueues()]
    const doors = await openDoors({
      config,
      redisUrl: config.redisUrl ?? privateRedis!.url,
      queueNames,
      log,
      ...(clock ? { clock } : {}),
      ...(prefix === undefined ? {} : { prefix }),
    })
    closers.push(() => doors.close())
    if (await createDefaultTenant(doors)) onFirstStart()
    await settleSearchSpace(doors, { alone, say })
    const backlog = await countBacklog(doors.runs, log)
    closers.push(() => backlog.stop())
    const quiet: Engine = {
      ...doors,
      worker: `worker-${process.pid}`,
      backlogOf: backlog.of,
      deps: { ...doors, prompts: loadPrompts() },
    }
    const engine: Engine = { ...quiet, onMoved: wakeNextTurn(doors.conversations, createRunMover(quiet)) }
    let host: WorkerHost | undefined
    if (roles.work !== false) {
      const wanted = roles.work === true ? undefined : roles.work.filter((name) => name !== BATCH_ROLE)
      host = startWorkers(engine, steps, doors.createConsumer(), wanted)
      closers.push(() => host!.stop())
    }
    if (host) {
      const sets = startDocumentSets(doors, engine)
      closers.push(() => sets.stop())
    }
    const batches = worksOnBatches(roles) ? startBatches(doors, engine, batch) : undefined
    if (batches) closers.push(() => batches.stop())
    registerBatchGauges(doors.telemetry, doors)
    registerGauges(doors.telemetry, doors)
    const key = adminKey(config)
    const checks = healthChecks(doors, host, batches)
    const server = roles.api
      ? apiServer({ doors, engine, key: key.key, backlog, checks, config })
      : serveHealth({ ...doors, ...checks })
    closers.push(() => server.close())
    const url = await listening(server, config)
    return { url, doors, engine, key, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

type Server = { listen(where: { port: number; host: string }): Promise<string> }

async function listening(server: Server, { port, host }: Config): Promise<string> {
  try {
    return await server.listen({ port, host })
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EADDRINUSE') throw error
    throw new Error(
      `${host}:${port} is taken by another process; set PORT to another one (each process on a host needs its own)`,
      {
        cause: error,
      },
    )
  }
}

type ApiParts = {
  readonly doors: Doors
  readonly engine: Engine
  readonly key: string
  readonly backlog: Pick<Backlog, 'of' | 'total' | 'crowded' | 'took'>
  readonly checks: ReturnType<typeof healthChecks>
  readonly config: Config
}

function apiServer({ doors, engine, key, backlog, checks, config }: ApiParts) {
  const mover = createRunMover(engine)
  return createApi({
    ...doors,
    mover,
    webhookSecrets: config.webhookSecrets ?? {},
    collectBatches: () => collect(batchDesk(doors, engine), true),
    adminKeyHash: hashKey(key),
    backlogOf: backlog.of,
    backlogTotal: backlog.total,
    backlogTook: backlog.took,
    crowded: backlog.crowded,
    maxBacklogTotal: MAX_BACKLOG_TOTAL,
    ...checks,
    mounts: (app, shared) =>
      mountDashboards(app, {
        ...doors,
        ...shared,
        audit: doors.tenants.audit,
        queues: doors.dispatcher.queues.map((queue: Queue) => ({ queue })),
        runLog: doors.runs,
        runMover: mover,
      }),
  })
}

/** Before anything is opened. @throws WrongUsage that names the steps there are */
function checkSteps(wanted: readonly string[]): void {
  const known = [...new Set(allQueues().map(({ step }) => step)), BATCH_ROLE]
  const unknown = wanted.filter((name) => !known.includes(name) && !allQueues().some(({ queue }) => queue === name))
  if (unknown.length > 0) throw new WrongUsage(`unknown step "${unknown.join('", "')}"; there are ${known.join(', ')}`)
}

const worksOnBatches = ({ work }: Roles) => work === true || (typeof work === 'object' && work.includes(BATCH_ROLE))

/** @returns true when it was not there before */
export async function createDefaultTenant({ tenants, clock }: Doors): Promise<boolean> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const config = TenantConfig.parse({ webhook: { secret } })
  return tenants.create({ id: DEFAULT_TENANT_ID, name: 'Default', config, createdAt: clock.now() })
}

function healthChecks(doors: Doors, host: WorkerHost | undefined, batches: RunningBatches | undefined) {
  const check = async (work: Promise<{ ok: boolean; detail: string }>, patienceMs: number) => {
    try {
      return await Promise.race([
        work,
        new Promise<{ ok: boolean; detail: string }>((resolve) =>
          setTimeout(resolve, patienceMs, { ok: false, detail: `no answer within ${patienceMs / 1_000} s` }).unref(),
        ),
      ])
    } catch (error) {
      return { ok: false, detail: (error as Error).message.slice(0, 200) }
    }
  }
  const all = async (parts: Readonly<Record<string, Promise<{ ok: boolean; detail: string }>>>, patienceMs: number) => {
    const entries = await Promise.all(
      Object.entries(parts).map(async ([name, work]) => [name, await check(work, patienceMs)] as const),
    )
    return { ok: entries.every(([, { ok }]) => ok), checks: Object.fromEntries(entries) }
  }
  const signal = () => AbortSignal.timeout(READY_PATIENCE_MS)
  return {
    readiness: () =>
      all(
        {
          database: doors.database.asSystem('readiness', 'SELECT 1').then(() => ({ ok: true, detail: doors.database.kind })),
          redis: doors.redis.ping().then(() => ({ ok: true, detail: 'answers' })),
          dense: doors.dense.health(signal()),
          sparse: doors.sparse.health(signal()),
          model: doors.llm.ready(),
        },
        READY_PATIENCE_MS,
      ),
    liveness: () =>
      all(
        { ...(host ? { consumption: host.alive() } : {}), ...(batches ? { batches: batches.alive() } : {}) },
        ALIVE_PATIENCE_MS,
      ),
  }
}
