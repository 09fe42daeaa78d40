import type { FastifyInstance } from 'fastify'
import type { Role } from '#shared/domain/tenant.ts'
import type { AnswerCache } from '#shared/ports/answer-cache.ts'
import type { BatchStore } from '#shared/ports/batch-store.ts'
import type { CacheEvidence } from '#shared/ports/cache-evidence.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { ConversationStore } from '#shared/ports/conversation-store.ts'
import type { CustomerRecords } from '#shared/ports/customer-records.ts'
import type { Dispatcher } from '#shared/ports/dispatcher.ts'
import type { DocumentIntake } from '#shared/ports/document-intake.ts'
import type { DocumentSetSchedules } from '#shared/ports/document-set-schedules.ts'
import type { DocumentSetStore } from '#shared/ports/document-set-store.ts'
import type { DocumentStore } from '#shared/ports/document-store.ts'
import type { EscalationStore } from '#shared/ports/escalation-store.ts'
import type { ExampleBank } from '#shared/ports/example-bank.ts'
import type { IdempotencyStore } from '#shared/ports/idempotency-store.ts'
import type { Log } from '#shared/ports/log.ts'
import type { RateLimiter } from '#shared/ports/rate-limiter.ts'
import type { RunLog } from '#shared/ports/run-log.ts'
import type { RunMover } from '#shared/ports/run-mover.ts'
import type { Searcher } from '#shared/ports/searcher.ts'
import type { Telemetry } from '#shared/ports/telemetry.ts'
import type { TenantStore } from '#shared/ports/tenant-store.ts'
import type { TicketStore } from '#shared/ports/ticket-store.ts'
import type { TokenStream } from '#shared/ports/token-stream.ts'
import type { UsageStore } from '#shared/ports/usage-store.ts'

export type Checks = {
  readonly ok: boolean
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>
}

/** Who a key belongs to, for mounts that bring their own way to present one (a browser cannot send a bearer key). */
export type Identity = { readonly tenantId: string; readonly actor: string; readonly roles: ReadonlySet<Role> }

/** What mounts share with the API, so that both decide the same. */
export type MountDoors = {
  /** @returns undefined when the key is not valid, or not for that tenant */
  identify(key: string, tenantId?: string): Promise<Identity | undefined>
  /** One open dead letter of this tenant. */
  redrive(
    deadLetterId: string,
    by: Pick<Identity, 'tenantId' | 'actor'>,
  ): Promise<{ redriven: true } | { redriven: false; why: string }>
}

export type ApiLimits = {
  /** Of one JSON body, and of one line of a bulk upload. */
  readonly maxBodyBytes: number
  /** The same where the body is a document. */
  readonly maxDocumentBytes: number
  /** Of one file in a multipart body. */
  readonly maxUploadBytes: number
  /** Multipart bodies being read at once: each holds its file in memory. */
  readonly maxUploads: number
  readonly maxBulkBytes: number
  readonly maxBulkUploads: number
  /** Accepts that wait for the store at once; beyond it the process says 503 instead of queueing in memory. */
  readonly maxAcceptsInFlight: number
  readonly maxEventStreamsPerTenant: number
  /** How long a line of a bulk upload waits for its tenant's limits before it is refused. */
  readonly bulkPatienceMs: number
  readonly heartbeatMs: number
  /** How often a quiet event stream looks into the log. */
  readonly followPollMs: number
  readonly searchTimeoutMs: number
  readonly redrivesPerMinute: number
  /** How often idempotency keys of yesterday are cleared away. */
  readonly forgetKeysEveryMs: number
}

export type ApiDeps = {
  readonly tickets: TicketStore
  readonly tenants: TenantStore
  readonly cache: Pick<AnswerCache, 'evict'>
  readonly cacheEvidence: Pick<CacheEvidence, 'observe'>
  readonly examples: Pick<ExampleBank, 'add' | 'remove'>
  readonly idempotency: IdempotencyStore
  readonly runs: RunLog
  readonly mover: RunMover
  readonly dispatcher: Dispatcher
  readonly escalations: EscalationStore
  readonly conversations: ConversationStore
  readonly documents: Pick<DocumentStore, 'get' | 'list' | 'chunksOf'>
  readonly intake: DocumentIntake
  readonly documentSets: DocumentSetStore
  readonly schedules: DocumentSetSchedules
  readonly searcher: Searcher
  readonly stream: TokenStream
  readonly limiter: RateLimiter
  readonly usage: UsageStore
  readonly customers: CustomerRecords
  readonly batches: BatchStore
  /** Packs whatever waits for a batch now. @returns how many batches */
  readonly collectBatches: () => Promise<number>
  /** What providers sign their webhooks with; without one, that provider's are not taken. */
  readonly webhookSecrets: { readonly openai?: string | undefined; readonly anthropic?: string | undefined }
  readonly telemetry: Telemetry
  readonly clock: Clock
  readonly log: Log
  /** SHA-256 of `ADMIN_API_KEY`. */
  readonly adminKeyHash: Uint8Array
  /** Runs not at rest, as last counted: read on every ticket, so they answer at once. */
  readonly backlogOf: (tenantId: string) => number
  readonly backlogTotal: () => number
  /** Told of each new run, so that the next one is measured by it before it is counted. */
  readonly backlogTook: (tenantId: string) => void
  /** Whether the tenant has so much under way that a new run waits in the log instead of in a queue. */
  readonly crowded: (tenantId: string) => boolean
  readonly maxBacklogTotal: number
  readonly readiness: () => Promise<Checks>
  readonly liveness: () => Promise<Checks>
  /** Prometheus scrapes without a key and labels hold no ids, so `/metrics` is open unless this is false (then: operator). */
  readonly metricsOpen?: boolean
  readonly limits?: Partial<ApiLimits>
  /** The dashboards plug in here. */
  readonly mounts?: (app: FastifyInstance, doors: MountDoors) => Promise<void>
}

export const DEFAULT_LIMITS: ApiLimits = {
  maxBodyBytes: 1_048_576,
  maxDocumentBytes: 8 * 1_048_576,
  maxUploadBytes: 25 * 1_048_576,
  maxUploads: 4,
  maxBulkBytes: 100 * 1_048_576,
  maxBulkUploads: 4,
  maxAcceptsInFlight: 2_000,
  maxEventStreamsPerTenant: 10_000,
  bulkPatienceMs: 30_000,
  heartbeatMs: 15_000,
  followPollMs: 2_000,
  searchTimeoutMs: 10_000,
  redrivesPerMinute: 1_000,
  forgetKeysEveryMs: 600_000,
}
