import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { FastifyAdapter } from '@bull-board/fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { DEFAULT_TENANT_ID } from '#shared/domain/tenant.ts'
import { admit, viewerOf } from '../access.ts'
import type { DashboardDeps, Viewer } from '../deps.ts'
import { PROBLEM_TYPE, problemBody, type Refusal } from '../problem.ts'
import { DeadLetterAdapter } from './dead-letter-adapter.ts'
import { maskPayload, maskResponse } from './mask-jobs.ts'
import { DEAD_LETTER_QUEUE, ruleFor } from './rules.ts'

export const BOARD_PATH = '/queues'

/** Bull Board brings neither login nor rights nor audit of its own: all three stand around it here. */
export async function mountBoard(app: FastifyInstance, deps: DashboardDeps): Promise<void> {
  await app.register(async (scope) => {
    scope.addHook('onRequest', admit(deps, ['operator', 'admin']))
    scope.addHook('preHandler', (request, reply) => enforce(deps, request, reply))
    scope.addHook('preSerialization', async (request, reply, payload) =>
      payload === UNREACHABLE ? boardProblem(UNREACHABLE, request, reply) : payload,
    )
    scope.addHook('onSend', async (_request, reply, payload) => harden(reply, payload))
    await scope.register(board(deps).registerPlugin(), { prefix: BOARD_PATH })
  })
}

function board(deps: DashboardDeps): FastifyAdapter {
  const serverAdapter = new FastifyAdapter()
  serverAdapter.setBasePath(BOARD_PATH)
  createBullBoard({
    queues: deps.queues.map(({ queue, readOnly = false }) => {
      const isDeadLetters = queue.name === DEAD_LETTER_QUEUE
      const Adapter = isDeadLetters ? DeadLetterAdapter : BullMQAdapter
      const adapter = new Adapter(queue, {
        readOnlyMode: readOnly,
        // Hides the buttons; `ruleFor` is what refuses.
        allowRetries: isDeadLetters,
        delimiter: '.',
        description: isDeadLetters
          ? 'Copies for you to look at; the truth is in PostgreSQL. Retry sends the run round again.'
          : '',
        externalJobUrl: (job) => pageOf(queue.name, job.data),
      })
      adapter.setFormatter('data', maskPayload)
      return adapter
    }),
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'Answerline queues',
        hideDocsLink: true,
        miscLinks: [{ text: 'Console', url: '/console' }],
        overview: { groupByDelimiter: true },
      },
      handlerHooks: {
        after: ({ route }, result) => ({ ...result, body: maskResponse(route, result.body) as typeof result.body }),
      },
    },
  })
  // Its own answer quotes the error, and an error may quote a payload.
  serverAdapter.setErrorHandler((error) => {
    deps.log.error({ error }, 'bull board could not answer')
    // Its types know no 503; the status is passed on as it is.
    if (REDIS_AWAY.test(error.message)) return { status: 503 as 500, body: UNREACHABLE }
    return { status: 500, body: { error: { key: 'ERRORS.INTERNAL_SERVER_ERROR' } } }
  })
  return serverAdapter
}

/** What ioredis says when nobody is at the other end. */
const REDIS_AWAY = /Stream isn't writeable|Connection is closed|ECONNREFUSED|ENOENT|max retries per request/
/** Bull Board's own error handler knows no request; `preSerialization` makes a problem document of it. */
const UNREACHABLE: Refusal = {
  status: 503,
  code: 'queues-unreachable',
  detail:
    'The queues cannot be reached. Runs are safe in PostgreSQL and go on when Redis is back; `answerline doctor` says more.',
}

/** `error` is what Bull Board's pages show. */
function boardProblem(refusal: Refusal, request: FastifyRequest, reply: FastifyReply) {
  reply.type(PROBLEM_TYPE)
  return { ...problemBody(refusal, request.id), error: refusal.detail }
}

const refuse = (reply: FastifyReply, status: number, code: string, detail: string): FastifyReply =>
  reply.status(status).send(boardProblem({ status, code, detail }, reply.request, reply))

const Payload = z.object({ runId: z.string().optional(), id: z.string().optional(), tenantId: z.string().optional() })

/** Jobs of the batch worker name their batch (or no one thing) in place of a run, those of schedules their schedule. */
function pageOf(queueName: string, data: unknown): { displayText: string; href: string } {
  const id = encodeURIComponent(Payload.safeParse(data).data?.runId ?? 'unknown')
  if (queueName === 'batch.advance') return { displayText: 'Batch', href: `/console/batches#${id}` }
  if (queueName.startsWith('batch.')) return { displayText: 'Batches', href: '/console/batches' }
  if (queueName.startsWith('document-sets.')) return { displayText: 'Console', href: '/console' }
  return { displayText: 'Run', href: `/console/runs/${id}` }
}

const Params = z.object({ queueName: z.string().optional(), jobId: z.string().optional() })

/** @returns undefined to let Bull Board go on, else the reply that was sent in its place */
async function enforce(deps: DashboardDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  const viewer = viewerOf(request)
  const { queueName, jobId } = Params.parse(request.params ?? {})
  const route = (request.routeOptions.url ?? '').slice(BOARD_PATH.length) || '/'
  const rule = ruleFor(request.method, route, queueName)
  if (rule === 'read') return undefined
  // Queues carry the runs of all tenants; stopping one stops them all.
  const refused = rule === 'refuse' || (rule === 'pause' && !servesEveryTenant(viewer))
  if (!(refused && request.method === 'GET')) {
    await deps.audit({
      tenantId: viewer.tenantId,
      actor: viewer.actor,
      action: refused ? 'queues.refused' : `queues.${rule}`,
      target: [queueName, jobId].filter((part) => part !== undefined).join('/') || 'all',
      detail: { method: request.method, route },
      at: deps.clock.now(),
    })
  }
  if (refused)
    return refuse(
      reply,
      403,
      'queue-action-blocked',
      'Jobs are not added, edited, removed or retried here; redrive dead letters.',
    )
  return rule === 'redrive' ? redrive(deps, viewer, jobId ?? '', reply) : undefined
}

/** The installation's own tenant; the holder of `ADMIN_API_KEY` acts for it. */
const servesEveryTenant = (viewer: Viewer) => viewer.tenantId === DEFAULT_TENANT_ID

async function redrive(deps: DashboardDeps, viewer: Viewer, jobId: string, reply: FastifyReply): Promise<FastifyReply> {
  const job = await deps.queues.find(({ queue }) => queue.name === DEAD_LETTER_QUEUE)?.queue.getJob(jobId)
  const letter = Payload.safeParse(job?.data).data
  const { tenantId, actor } = viewer
  // Another tenant's is not there.
  if (!job || (letter?.tenantId ?? tenantId) !== tenantId) return refuse(reply, 404, 'not-found', 'There is no such dead letter.')
  const id = letter?.id ?? jobId
  const result = await deps.redrive(id, { tenantId, actor })
  // The copy has served, or has nothing to stand for any more: its redrive may have come when Redis was away.
  if (result.redriven || !(await isOpen(deps, tenantId, id)))
    await job.remove().catch((error: unknown) => deps.log.warn({ error, jobId }, 'copy of a dead letter stays'))
  return result.redriven ? reply.status(204).send() : refuse(reply, 409, 'not-redriven', result.why)
}

const isOpen = async ({ runLog }: Pick<DashboardDeps, 'runLog'>, tenantId: string, id: string) =>
  (await runLog.deadLetters(tenantId, { ids: [id], limit: 1, open: true })).length > 0

/** Bull Board's page loads a font from another company's server; operators' visits are nobody's business. */
const OUTSIDE_LINK = /<link href="https:[^>]{0,500}>/g
const BOARD_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'self'; object-src 'none'"

function harden(reply: FastifyReply, payload: unknown): unknown {
  reply.headers({
    'content-security-policy': BOARD_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
  })
  if (!String(reply.getHeader('content-type')).startsWith('text/html')) return payload
  const page = typeof payload === 'string' ? payload : Buffer.isBuffer(payload) ? payload.toString('utf8') : undefined
  return page === undefined ? payload : page.replace(OUTSIDE_LINK, '')
}
