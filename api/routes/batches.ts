import * as z from 'zod'
import { DEFAULT_TENANT_ID } from '#shared/domain/tenant.ts'
import type { BatchProgress } from '#shared/ports/batch-store.ts'
import type { App } from '../app.ts'
import type { Caller } from '../auth.ts'
import type { ApiDeps } from '../deps.ts'
import { lookNow } from '../look-at-batch.ts'
import { conflict, notFound, Problem } from '../problem.ts'
import { ById, Limit, Moment, responses } from '../schemas.ts'

const Counts = z.object({
  answered: z.int(),
  failed: z.int(),
  spilled: z.int(),
  cancelled: z.int(),
  waiting: z.int(),
})
const BatchView = Counts.extend({
  id: z.string(),
  provider: z.string(),
  model: z.string(),
  endpoint: z.string(),
  state: z.string(),
  providerBatchId: z.string().nullable(),
  providerStatus: z.string().nullable(),
  requests: z.int(),
  completed: z.int(),
  bytes: z.number(),
  polls: z.int(),
  lines: z.object({ malformed: z.int(), unknown: z.int(), repeated: z.int() }),
  costUsd: z.number(),
  savedUsd: z.number(),
  failure: z.object({ code: z.string(), message: z.string() }).nullable(),
  cancelRequested: z.boolean(),
  createdAt: Moment,
  submittedAt: Moment.nullable(),
  endedAt: Moment.nullable(),
})
const Waiting = z.object({
  provider: z.string(),
  model: z.string(),
  endpoint: z.string(),
  requests: z.int(),
  bytes: z.number(),
  inputTokens: z.number(),
  oldestSeconds: z.number(),
})
const Overview = z.object({
  waiting: z.array(Waiting),
  batches: z.array(BatchView),
  figures: z.object({
    requests: z.array(z.object({ provider: z.string(), state: z.string(), count: z.int() })),
    oldestQueuedSeconds: z.number(),
    oldestSubmittedSeconds: z.number(),
    spillRatio: z.number(),
    costUsd: z.number(),
    savedUsd: z.number(),
  }),
})

/** Half the price was paid, so as much as was paid was saved. */
const batchView = (batch: BatchProgress): z.infer<typeof BatchView> => ({
  id: batch.id,
  provider: batch.provider,
  model: batch.model,
  endpoint: batch.endpoint,
  state: batch.state,
  providerBatchId: batch.remoteId,
  providerStatus: batch.remoteStatus,
  requests: batch.requests,
  completed: batch.completed,
  bytes: batch.bytes,
  polls: batch.polls,
  answered: batch.answered,
  failed: batch.failed,
  spilled: batch.spilled,
  cancelled: batch.cancelled,
  waiting: batch.waiting,
  lines: { malformed: batch.malformed, unknown: batch.unknown, repeated: batch.repeated },
  costUsd: batch.costUsd,
  savedUsd: batch.costUsd,
  failure: batch.failure && { code: batch.failure.code, message: batch.failure.message },
  cancelRequested: batch.cancelRequested,
  createdAt: batch.createdAt.toISOString(),
  submittedAt: batch.submittedAt?.toISOString() ?? null,
  endedAt: batch.endedAt?.toISOString() ?? null,
})

/** A batch holds requests of many tenants: only who serves them all may touch it. What is shown are counts and money, no content. */
function assertServesAll({ runsInstallation, tenant }: Caller): void {
  if (!runsInstallation && tenant.id !== DEFAULT_TENANT_ID)
    throw new Problem(403, 'forbidden', 'batches serve every tenant; this needs an operator of the installation')
}

const CANCELLED = { kind: 'terminal', code: 'batch-cancelled', message: 'cancelled by an operator' } as const

export function batchRoutes(app: App, deps: ApiDeps): void {
  const { batches } = deps
  const schema = (summary: string) => ({ tags: ['operations'], summary })

  app.get(
    '/batches',
    {
      config: { roles: ['operator'] },
      schema: {
        ...schema('Provider batches, newest first, and what waits for one'),
        querystring: z.object({ limit: Limit(50, 500) }),
        response: responses({ 200: Overview }),
      },
    },
    async ({ caller, query }) => {
      assertServesAll(caller)
      const [groups, list, { requests, costUsd, ...figures }] = await Promise.all([
        batches.groups(),
        batches.list(query.limit),
        batches.figures(),
      ])
      return {
        waiting: groups.map(({ oldestAgeMs, ...group }) => ({ ...group, oldestSeconds: oldestAgeMs / 1_000 })),
        batches: list.map(batchView),
        figures: {
          requests: [...requests],
          oldestQueuedSeconds: figures.oldestQueuedSeconds,
          oldestSubmittedSeconds: figures.oldestSubmittedSeconds,
          spillRatio: figures.spillRatio,
          costUsd,
          savedUsd: costUsd,
        },
      }
    },
  )

  app.get(
    '/batches/:id',
    {
      config: { roles: ['operator'] },
      schema: { ...schema('One batch'), params: ById, response: responses({ 200: BatchView }) },
    },
    async ({ caller, params }) => {
      assertServesAll(caller)
      const batch = await batches.progress(params.id)
      if (!batch) throw notFound('batch')
      return batchView(batch)
    },
  )

  app.post(
    '/batches/run',
    {
      config: { roles: ['operator'] },
      schema: { ...schema('Pack whatever waits now'), response: responses({ 202: z.object({ packed: z.int() }) }) },
    },
    async ({ caller }, reply) => {
      assertServesAll(caller)
      return reply.code(202).send({ packed: await deps.collectBatches() })
    },
  )

  app.post(
    '/batches/:id/cancel',
    {
      config: { roles: ['operator'] },
      schema: {
        ...schema('Cancel a batch at its provider; what it has not answered is asked synchronously'),
        params: ById,
        response: responses({ 202: z.object({ id: z.string(), cancelRequested: z.literal(true) }) }),
      },
    },
    async ({ caller, params }, reply) => {
      assertServesAll(caller)
      const { id } = params
      if (!(await batches.progress(id))) throw notFound('batch')
      if (!(await batches.requestCancel(id, CANCELLED))) throw conflict('batch-done', 'the batch is done already')
      await lookNow(deps, id)
      await deps.tenants.audit({
        tenantId: caller.tenant.id,
        actor: caller.actor,
        action: 'batch.cancelled',
        target: id,
        detail: {},
        at: deps.clock.now(),
      })
      return reply.code(202).send({ id, cancelRequested: true })
    },
  )
}
