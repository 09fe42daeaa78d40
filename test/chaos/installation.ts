import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPlatform } from '#cli/platform.ts'
import { createAesGcmSealer } from '#shared/adapters/sealing/sealer.aes-gcm.ts'
import { readConfig } from '#shared/config.ts'
import { openPostgres } from '#shared/database/engine.postgres.ts'
import { createLog } from '#shared/wiring.ts'
import { type Process, startAnswerline } from '#test/servers/answerline.ts'
import { putMigratedPglite } from '#test/servers/migrated-pglite.ts'
import { type ModelGate, startModelGate } from '#test/servers/model-gate.ts'
import { startPostgres, type TestPostgres } from '#test/servers/postgres.ts'
import { startRedis, type TestRedis } from '#test/servers/redis.ts'
import { startWebhookReceiver, type WebhookReceiver } from '#test/servers/webhook-receiver.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'
import { articlesOf, secretOf, TENANTS, tenantsToCreate } from './knowledge.ts'
import { createSender, type Sender } from './sender.ts'
import { until } from './until.ts'

const ADMIN_KEY = 'admin-key-of-the-chaos-harness'
const PII_KEY = Buffer.alloc(32, 'chaos').toString('base64')
/** Reads what the installation has sealed. */
export const sealer = createAesGcmSealer([Buffer.from(PII_KEY, 'base64')])
export const QUEUE_PREFIX = 'answerline'

export type Worker = { readonly process: Process | undefined; readonly gate: ModelGate }
type Row = Record<string, unknown>

/** A running Answerline with everything around it, all of it the harness's own. */
export type Installation = {
  /** Data directory and logs of all its processes. */
  readonly folder: string
  readonly redis: TestRedis
  readonly simulator: Simulator
  readonly receiver: WebhookReceiver
  /** Present when the installation consists of processes that can be killed. */
  readonly processes: Processes | undefined
  workers(): readonly Worker[]
  newSender(): Sender
  query(sql: string, params?: readonly unknown[]): Promise<Row[]>
  stop(): Promise<void>
}
export type Processes = {
  readonly postgres: TestPostgres
  api(): Process
  restartApi(): Promise<void>
  /** @param shiftMs makes it a worker whose clock jumps by so much with every SIGUSR2 */
  startWorker(shiftMs?: number): Promise<Worker & { readonly process: Process }>
  /** Starts what is missing of one API and two workers. */
  ensure(): Promise<void>
}

/** What is to be closed in the end, the latest first. */
type Closers = (() => Promise<unknown> | unknown)[]

async function startAround(closers: Closers) {
  const folder = mkdtempSync(join(tmpdir(), 'chaos-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  const redis = await startRedis({ appendOnly: true })
  closers.push(() => redis.stop())
  const simulator = await startSimulator()
  closers.push(() => simulator.close())
  const receiver = await startWebhookReceiver(secretOf)
  closers.push(() => receiver.close())
  const newGate = async () => {
    const gate = await startModelGate(simulator.url)
    closers.push(() => gate.close())
    return gate
  }
  return { folder, redis, simulator, receiver, newGate }
}

const closeAll = async (closers: Closers) => {
  for (const close of closers.splice(0).reverse()) await close()
}

/** More of the environment, such as a second provider. */
type Extra = (gate: ModelGate) => Readonly<Record<string, string>>
/** Anthropic behind the same gate and simulator as OpenAI. */
export const withSecondary: Extra = ({ baseUrl }) => ({
  ANTHROPIC_API_KEY: 'simulated',
  ANTHROPIC_BASE_URL: baseUrl.replace(/\/v1$/, ''),
})

const environment = (redis: TestRedis, dataDir: string, gate: ModelGate, extra: Extra) => ({
  REDIS_URL: redis.socket,
  DATA_DIR: dataDir,
  ADMIN_API_KEY: ADMIN_KEY,
  PII_KEYS: PII_KEY,
  OPENAI_API_KEY: 'simulated',
  OPENAI_BASE_URL: gate.baseUrl,
  ...extra(gate),
})

/** An API and two workers, each a process, on a PostgreSQL and a Redis of their own. */
export async function startProcesses(extra: Extra = () => ({})): Promise<Installation> {
  const closers: Closers = []
  try {
    const around = await startAround(closers)
    const postgres = await startPostgres()
    closers.push(() => postgres.stop())
    const databaseUrl = await postgres.createDatabase('chaos')
    const start = async (role: string[], gate: ModelGate, entry?: string) => {
      const name = `${role[0]}-${++started}`
      const env = { ...environment(around.redis, around.folder, gate, extra), DATABASE_URL: databaseUrl, LOG_LEVEL: 'info' }
      const process = await startAnswerline({ name, folder: around.folder, args: role, env, ...(entry ? { entry } : {}) })
      closers.push(() => process.terminate())
      return process
    }
    let started = 0
    let api = await start(['api'], await around.newGate())
    let workers: (Worker & { process: Process })[] = []
    const processes: Processes = {
      postgres,
      api: () => api,
      async restartApi() {
        if (api.running()) await api.terminate()
        api = await start(['api'], await around.newGate())
      },
      async startWorker(shiftMs) {
        const gate = await around.newGate()
        const process =
          shiftMs === undefined
            ? await start(['work'], gate)
            : await start([String(shiftMs)], gate, 'test/servers/shifted-worker.ts')
        const worker = { process, gate }
        workers.push(worker)
        return worker
      },
      async ensure() {
        if (!api.running()) await processes.restartApi()
        workers = workers.filter(({ process }) => process.running())
        await Promise.all(Array.from({ length: Math.max(0, 2 - workers.length) }, () => processes.startWorker()))
      },
    }
    const database = openPostgres(databaseUrl, { maxConnections: 2 })
    closers.push(() => database.close())
    await processes.ensure()
    const newSender = () => createSender(() => api.url, ADMIN_KEY)
    await furnish(newSender())
    return {
      ...around,
      processes,
      newSender,
      workers: () => workers.filter(({ process }) => process.running()),
      query: (sql, params = []) => database.query(sql, params),
      stop: () => closeAll(closers),
    }
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

/** Everything in this process, on the embedded database: for scenarios that kill nobody. */
export async function startInOneProcess(extra: Extra = () => ({})): Promise<Installation> {
  const closers: Closers = []
  try {
    const around = await startAround(closers)
    const gate = await around.newGate()
    const config = readConfig({ ...environment(around.redis, around.folder, gate, extra), PORT: '0', LOG_LEVEL: 'silent' })
    await putMigratedPglite(around.folder)
    const platform = await startPlatform({ config, roles: { api: true, work: true }, log: createLog('silent') })
    closers.push(() => platform.stop())
    const newSender = () => createSender(() => platform.url, ADMIN_KEY)
    await furnish(newSender())
    return {
      ...around,
      processes: undefined,
      newSender,
      workers: () => [{ process: undefined, gate }],
      query: (sql, params = []) => platform.doors.database.asSystem('the harness looks at every tenant', sql, params),
      stop: () => closeAll(closers),
    }
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

/** Two tenants and what they know. */
async function furnish(sender: Sender): Promise<void> {
  const expectStatus = async (response: Response, status: number) => {
    if (response.status !== status) throw new Error(`${response.status} instead of ${status}: ${await response.text()}`)
  }
  for (const tenant of tenantsToCreate()) await expectStatus(await sender.request('default', 'POST', '/v1/tenants', tenant), 201)
  for (const tenantId of TENANTS) {
    for (const article of articlesOf(tenantId))
      await expectStatus(await sender.request(tenantId, 'POST', '/v1/documents', article), 202)
  }
  for (const tenantId of TENANTS) {
    for (const { id } of articlesOf(tenantId)) {
      await until(`${id} is indexed`, 60_000, async () => {
        const view = (await (await sender.request(tenantId, 'GET', `/v1/documents/${id}`)).json()) as { state: string }
        return view.state === 'indexed'
      })
    }
  }
}
