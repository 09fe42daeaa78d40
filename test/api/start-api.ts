import { hash } from 'node:crypto'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { ApiDeps } from '#api/deps.ts'
import { createApi } from '#api/server.ts'
import { createAesGcmSealer } from '#shared/adapters/sealing/sealer.aes-gcm.ts'
import { createCacheEvidence } from '#shared/adapters/state/answer-cache-evidence.postgres.ts'
import { createBatchStore } from '#shared/adapters/state/batch-store.postgres.ts'
import { createConversationStore } from '#shared/adapters/state/conversation-store.postgres.ts'
import { createCustomerRecords } from '#shared/adapters/state/customer-records.postgres.ts'
import { createDocumentCopies } from '#shared/adapters/state/document-copies.ts'
import { createDocumentIntake } from '#shared/adapters/state/document-intake.postgres.ts'
import { createDocumentSetSchedules } from '#shared/adapters/state/document-set-schedules.postgres.ts'
import { createDocumentSetStore } from '#shared/adapters/state/document-set-store.postgres.ts'
import { createDocumentStore, createKnowledge } from '#shared/adapters/state/document-store.postgres.ts'
import { createEscalationStore } from '#shared/adapters/state/escalation-store.postgres.ts'
import { createExampleBank } from '#shared/adapters/state/example-bank.postgres.ts'
import { createIdempotencyStore } from '#shared/adapters/state/idempotency-store.postgres.ts'
import { createLocalRateLimiter } from '#shared/adapters/state/rate-limiter.local.ts'
import { createRunLog } from '#shared/adapters/state/run-log.postgres.ts'
import { createTenantStore } from '#shared/adapters/state/tenant-store.postgres.ts'
import { createTicketStore } from '#shared/adapters/state/ticket-store.postgres.ts'
import { createUsageStore } from '#shared/adapters/state/usage-store.postgres.ts'
import { Database } from '#shared/database/client.ts'
import { migrate } from '#shared/database/migrate.ts'
import { Role, TenantConfig } from '#shared/domain/tenant.ts'
import type { DenseIndex, SparseIndex } from '#shared/ports/search-index.ts'
import type { SearchRequest } from '#shared/ports/searcher.ts'
import { memoryAnswerCache } from '#test/fakes/answer-cache.memory.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'
import { memoryDispatcher } from '#test/fakes/dispatcher.memory.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { recordingTelemetry } from '#test/fakes/telemetry.recording.ts'
import { memoryTokenStream } from '#test/fakes/token-stream.memory.ts'
import { openMigratedPglite } from '#test/servers/migrated-pglite.ts'
import { createRunMover } from '#workers/move-run.ts'

export const ADMIN_KEY = 'admin-key-of-the-tests'
/** Keys of the tenants `default` and `other`, one a role. */
export const keyOf = (role: Role, tenantId = 'default') => `al_${tenantId}-${role}-key`

const sealer = createAesGcmSealer([Buffer.alloc(32, 'api')])

export type Api = Awaited<ReturnType<typeof startApi>>

/**
 * The real API on the real SQL (PGlite in memory); queues, streams and search are fakes.
 * @param shared the database of another one, for tests that only need other deps: opening one takes seconds
 */
export async function startApi(change: Partial<ApiDeps> = {}, shared?: Database) {
  const database = shared ?? (await openDatabase())
  const clock = steadyClock()
  const fakes = {
    dispatcher: memoryDispatcher(),
    stream: memoryTokenStream(),
    log: recordingLog(),
    telemetry: recordingTelemetry(),
  }
  const runs = createRunLog(database, sealer)
  const tenants = createTenantStore(database, { cacheMs: 0 })
  const cache = memoryAnswerCache()
  const copies = createDocumentCopies(database, { cache, prefix: 'test', log: fakes.log, removeFromIndexes: async () => {} })
  const searches: SearchRequest[] = []
  const load = { total: 0, crowded: false }
  const deps: ApiDeps = {
    ...fakes,
    clock,
    runs,
    tenants,
    tickets: createTicketStore(database, { sealer }),
    cache,
    cacheEvidence: createCacheEvidence(database),
    examples: createExampleBank(database),
    idempotency: createIdempotencyStore(database, sealer),
    escalations: createEscalationStore(database, sealer),
    conversations: createConversationStore(database, sealer),
    documents: createDocumentStore(database),
    intake: createDocumentIntake(database, { ...noIndexes(), knowledge: createKnowledge(database), copies }),
    documentSets: createDocumentSetStore(database, sealer),
    schedules: createDocumentSetSchedules(database),
    usage: createUsageStore(database),
    customers: createCustomerRecords(database, { cache, prefix: 'test' }),
    batches: createBatchStore(database, sealer),
    collectBatches: async () => 0,
    webhookSecrets: {},
    limiter: createLocalRateLimiter(),
    mover: createRunMover({ ...fakes, runs, clock, backlogOf: () => load.total }),
    searcher: {
      async search(request) {
        searches.push(request)
        return { passages: [], evidence: 0, failedLegs: [] }
      },
    },
    adminKeyHash: hash('sha256', ADMIN_KEY, 'buffer'),
    backlogOf: () => load.total,
    backlogTotal: () => load.total,
    backlogTook: () => {},
    crowded: () => load.crowded,
    maxBacklogTotal: 1_000_000,
    readiness: async () => ({ ok: true, checks: { database: { ok: true } } }),
    liveness: async () => ({ ok: true, checks: {} }),
    ...change,
  }
  if (!shared) for (const id of ['default', 'other']) await addTenant(tenants, id, clock.now())
  const app = createApi(deps)
  await app.ready()
  return {
    app,
    deps,
    database,
    clock,
    searches,
    load,
    ...fakes,
    ...caller(app),
    async close() {
      await app.close()
      if (!shared) await database.close()
    },
  }
}

async function openDatabase(): Promise<Database> {
  const database = new Database(await openMigratedPglite())
  await migrate(database)
  return database
}

async function addTenant(tenants: ApiDeps['tenants'], id: string, createdAt: Date): Promise<void> {
  await tenants.create({ id, name: id, config: TenantConfig.parse({}), createdAt })
  for (const role of Role.options) {
    const key = { id: `key_${id}-${role}`, tenantId: id, name: role, roles: [role], createdAt, expiresAt: null }
    await tenants.addKey(key, hash('sha256', keyOf(role, id), 'buffer'))
  }
}

type Options = { readonly key?: string; readonly headers?: Record<string, string>; readonly body?: unknown }

/** Short ways to send a request as whoever holds a key (the installation's, unless told otherwise). */
function caller(app: FastifyInstance) {
  const send = (method: InjectOptions['method'], url: string, { key = ADMIN_KEY, headers, body }: Options = {}) =>
    app.inject({
      method: method!,
      url,
      headers: { authorization: `Bearer ${key}`, ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    })
  return {
    send,
    get: (url: string, options?: Options): Promise<LightMyRequestResponse> => send('GET', url, options),
    post: (url: string, body?: unknown, options?: Options): Promise<LightMyRequestResponse> =>
      send('POST', url, { ...options, body }),
  }
}

function noIndexes(): { dense: DenseIndex; sparse: SparseIndex } {
  const shared = {
    replaceDocument: async () => {},
    deleteDocument: async () => {},
    deleteTenant: async () => {},
    count: async () => 0,
    health: async () => ({ ok: true, detail: '' }),
    search: async () => [],
    chunksAt: async () => [],
  }
  return { dense: shared, sparse: shared }
}

/** A problem document as RFC 9457 and our contract have it; fails the test when it is not one. */
export function problemIn(response: LightMyRequestResponse): {
  status: number
  code: string
  errors?: { field: string; message: string }[]
} {
  const type = String(response.headers['content-type'])
  if (!type.startsWith('application/problem+json'))
    throw new Error(`${response.statusCode} came as ${type}: ${response.body.slice(0, 200)}`)
  const problem = response.json()
  for (const member of ['type', 'title', 'detail', 'code'])
    if (typeof problem[member] !== 'string' || problem[member] === '')
      throw new Error(`a problem without "${member}": ${response.body}`)
  if (problem.status !== response.statusCode) throw new Error(`status ${problem.status} in a ${response.statusCode}`)
  if (response.headers['x-request-id'] !== problem.requestId) throw new Error('the request id differs between header and body')
  return problem
}
