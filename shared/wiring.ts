import { createHttpWebhook } from './adapters/delivery/webhook.http.ts'
import { createProcessExtractor } from './adapters/parsing/text-extractor.process.ts'
import { createPresidioFinder } from './adapters/privacy/personal-data-finder.presidio.ts'
import { createRedisAnswerCache } from './adapters/state/answer-cache.redis.ts'
import { createCacheEvidence } from './adapters/state/answer-cache-evidence.postgres.ts'
import { systemClock } from './adapters/state/clock.system.ts'
import { createConsoleStore } from './adapters/state/console-store.postgres.ts'
import { type ConsumerOptions, createBullmqConsumer } from './adapters/state/consumer.bullmq.ts'
import { createConversationStore } from './adapters/state/conversation-store.postgres.ts'
import { createHotConversations } from './adapters/state/conversation-store.redis.ts'
import { createCustomerRecords } from './adapters/state/customer-records.postgres.ts'
import { createDigestItems } from './adapters/state/digest-items.postgres.ts'
import { createBullmqDispatcher } from './adapters/state/dispatcher.bullmq.ts'
import { createDocumentCopies } from './adapters/state/document-copies.ts'
import { createDocumentIntake } from './adapters/state/document-intake.postgres.ts'
import { createDocumentSetSchedules } from './adapters/state/document-set-schedules.postgres.ts'
import { createDocumentSetStore } from './adapters/state/document-set-store.postgres.ts'
import { createDocumentStore, createKnowledge } from './adapters/state/document-store.postgres.ts'
import { createEscalationStore } from './adapters/state/escalation-store.postgres.ts'
import { createExampleBank } from './adapters/state/example-bank.postgres.ts'
import { createIdempotencyStore } from './adapters/state/idempotency-store.postgres.ts'
import { removeFromIndexes } from './adapters/state/index-removal.ts'
import { createJobSchedules } from './adapters/state/job-schedules.bullmq.ts'
import { createJournal } from './adapters/state/journal.postgres.ts'
import { createRedisProviderStates } from './adapters/state/provider-states.redis.ts'
import { createRedisRateLimiter } from './adapters/state/rate-limiter.redis.ts'
import { assertNoEviction, redisConnections, untilReady } from './adapters/state/redis.ts'
import { createRunLog } from './adapters/state/run-log.postgres.ts'
import { createSearchSpace } from './adapters/state/search-space.postgres.ts'
import { createTenantStore } from './adapters/state/tenant-store.postgres.ts'
import { createTicketStore } from './adapters/state/ticket-store.postgres.ts'
import { createRedisTokenStream } from './adapters/state/token-stream.redis.ts'
import { createUsageStore } from './adapters/state/usage-store.postgres.ts'
import { createLog as createPinoLog, type LogOptions } from './adapters/telemetry/log.pino.ts'
import { createTelemetry } from './adapters/telemetry/telemetry.prometheus.ts'
import { createOtlpTraces } from './adapters/telemetry/traces.otlp.ts'
import type { Config } from './config.ts'
import { Database } from './database/client.ts'
import { openPglite } from './database/engine.pglite.ts'
import { openPostgres } from './database/engine.postgres.ts'
import { migrate } from './database/migrate.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import { createBatchDoors } from './wiring-batches.ts'
import { createBudget } from './wiring-budget.ts'
import { createModels } from './wiring-models.ts'
import { openSealer } from './wiring-sealing.ts'
import { createSearch } from './wiring-search.ts'

/** Log lines go to standard error: what a command prints can be piped. */
export const createLog = (level: LogOptions['level']): Log => createPinoLog({ level, destination: process.stderr })

export { systemClock }
export const openSearch = createSearch

export type WiringOptions = {
  readonly config: Config
  /** Where Redis is by now: `REDIS_URL`, or the private server that the caller has started. */
  readonly redisUrl: string
  readonly queueNames: readonly string[]
  readonly log: Log
  readonly clock?: Clock
  /** Keeps installations on one Redis apart. */
  readonly prefix?: string
}

export type Doors = Awaited<ReturnType<typeof openDoors>>

/**
 * From the configuration to every door, each with the adapter that the configuration asks for. The only importer of adapters.
 * @throws Error that says what to do, when a store cannot be reached or is not fit; what was open by then is closed again, because a
 * connection that nobody uses would keep the process alive
 */
export async function openDoors(options: WiringOptions) {
  const closers: (() => unknown)[] = []
  const close = async () => {
    for (const each of closers.splice(0).reverse()) {
      try {
        await each()
      } catch (err) {
        options.log.warn({ err }, 'a door did not close cleanly')
      }
    }
  }
  try {
    return { ...(await openEach(options, (closer) => closers.push(closer))), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** @param onClose is told how to close what has been opened, in this order */
async function openEach(
  { config, redisUrl, queueNames, log, clock = systemClock, prefix = 'answerline' }: WiringOptions,
  onClose: (closer: () => unknown) => void,
) {
  const database = new Database(
    config.databaseUrl === undefined
      ? await openPglite(config.dataDir)
      : openPostgres(config.databaseUrl, { onError: (err) => log.warn({ err }, 'a database connection broke') }),
  )
  onClose(() => database.close())
  await migrate(database, { say: (line) => log.warn({}, line) })
  const sealer = await openSealer(config, database, log)
  const connections = redisConnections(redisUrl, log)
  const redis = connections.producer()
  onClose(() => redis.disconnect())
  await untilReady(redis, 10_000)
  await assertNoEviction(redis)
  const streamReader = connections.blocking()
  const stream = createRedisTokenStream(redis, streamReader, prefix, sealer)
  onClose(() => stream.close())
  const telemetry = createTelemetry()
  const traces = config.otlpEndpoint === undefined ? undefined : createOtlpTraces({ endpoint: config.otlpEndpoint })
  onClose(() => traces?.close())
  const dispatcher = createBullmqDispatcher({ redis, prefix }, queueNames)
  onClose(() => dispatcher.close())
  // A queue whose first look at Redis fails would refuse for ever; so the first looks are over before anyone uses one.
  await Promise.all(dispatcher.queues.map((queue) => queue.waitUntilReady()))
  const journal = createJournal(database, sealer)
  const tenants = createTenantStore(database)
  const { budget, closeBudget } = createBudget({ database, redis, tenants, telemetry, clock, log, prefix })
  onClose(closeBudget)
  const batches = createBatchDoors(config, database, clock, sealer)
  const models = createModels({
    config,
    batches,
    budget,
    traces,
    journal,
    telemetry,
    clock,
    log,
    states: createRedisProviderStates(redis, prefix, { clock, log }),
  })
  const search = await createSearch(config, clock, { budget, log, journal, requests: batches.batchRequests })
  onClose(() => search.closeSearch())
  const knowledge = createKnowledge(database)
  const cache = createRedisAnswerCache(redis, prefix)
  const copies = createDocumentCopies(database, {
    ...{ cache, redis, prefix, log },
    removeFromIndexes: (tenantId, documentId) => removeFromIndexes(database, { ...search, knowledge }, tenantId, documentId),
  })
  const extractor = createProcessExtractor()
  onClose(() => extractor.close())
  const space: ConsumerOptions = { redis, prefix, connect: connections.blocking, log, monotonicMs: () => performance.now() }
  return {
    clock,
    log,
    database,
    sealer,
    redis,
    telemetry,
    traces,
    stream,
    dispatcher,
    ...search,
    ...models,
    ...batches,
    knowledge,
    runs: createRunLog(database, sealer),
    tickets: createTicketStore(database, { sealer }),
    tenants,
    budget,
    idempotency: createIdempotencyStore(database, sealer),
    escalations: createEscalationStore(database, sealer),
    conversations: createHotConversations(redis, prefix, createConversationStore(database, sealer)),
    documents: createDocumentStore(database),
    documentSets: createDocumentSetStore(database, sealer),
    digestItems: createDigestItems(database),
    schedules: createDocumentSetSchedules(database),
    openJobSchedules: (queueName: string) => createJobSchedules({ redis, prefix }, queueName),
    extractor,
    space: createSearchSpace(database),
    copies,
    intake: createDocumentIntake(database, { ...search, knowledge, copies }),
    usage: createUsageStore(database),
    customers: createCustomerRecords(database, { cache, redis, prefix }),
    consoleStore: createConsoleStore(database, sealer),
    cache,
    cacheEvidence: createCacheEvidence(database),
    examples: createExampleBank(database),
    limiter: createRedisRateLimiter(redis, prefix, { log }),
    personalData: config.presidioUrl === undefined ? undefined : createPresidioFinder({ url: config.presidioUrl }),
    webhook: createHttpWebhook(config.callbackNetworks ?? []),
    createConsumer: () => createBullmqConsumer(space),
  }
}

/** Whether the servers that the configuration names answer; nothing is written. */
export async function probeStores(
  config: Config,
): Promise<{ readonly name: string; readonly ok: boolean; readonly detail: string }[]> {
  const log = createLog('silent')
  const attempt = async (name: string, probe: () => Promise<string>) => {
    try {
      return { name, ok: true, detail: await probe() }
    } catch (error) {
      return { name, ok: false, detail: (error as Error).message }
    }
  }
  const { databaseUrl, redisUrl } = config
  const probes = []
  if (databaseUrl !== undefined) {
    probes.push(
      attempt('database', async () => {
        const engine = openPostgres(databaseUrl, { maxConnections: 1 })
        try {
          const rows = await engine.query('SELECT version() AS version', [])
          return String(rows[0]?.version).split(',')[0]!
        } finally {
          await engine.close()
        }
      }),
    )
  }
  if (redisUrl !== undefined) {
    probes.push(
      attempt('redis', async () => {
        const redis = redisConnections(redisUrl, log).producer()
        try {
          await untilReady(redis, 5_000)
          await assertNoEviction(redis)
          return 'answers, and evicts nothing'
        } finally {
          redis.disconnect()
        }
      }),
    )
  }
  return Promise.all(probes)
}
