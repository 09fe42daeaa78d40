import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { RunStatus } from '#shared/domain/run.ts'
import { DEFAULT_TENANT_ID } from '#shared/domain/tenant.ts'
import { formTokenFor, hasRole, viewerOf } from '../access.ts'
import type { DashboardDeps, Viewer } from '../deps.ts'
import { OPERATORS, sendNotFound, sendPage } from './layout.ts'
import { noticeFor } from './notices.ts'
import { batchesPage } from './pages/batches.ts'
import { deadLettersPage } from './pages/dead-letters.ts'
import { escalationsPage } from './pages/escalations.ts'
import { overviewPage } from './pages/overview.ts'
import { runPage } from './pages/run.ts'

const DAY_MS = 86_400_000
const MAX_TICKETS = 50
export const MAX_LETTERS = 100
const MAX_ESCALATIONS = 100
const MAX_BATCHES = 100
const MAX_WORKBENCHES = 5

/** Query strings are typed by hand, too: what does not fit is left out rather than refused. */
const Query = z.object({
  status: RunStatus.optional().catch(undefined),
  refresh: z.coerce.number().int().min(5).max(600).optional().catch(undefined),
  mine: z.literal('1').optional().catch(undefined),
  step: z.string().min(1).max(100).optional().catch(undefined),
  code: z.string().min(1).max(100).optional().catch(undefined),
  id: z.string().trim().max(100).optional().catch(undefined),
  done: z.string().max(40).optional().catch(undefined),
  n: z.coerce.number().int().nonnegative().optional().catch(undefined),
})
const queryOf = (request: FastifyRequest) => Query.parse(request.query)
const Params = z.object({ id: z.string().max(200) })

export function addViews(scope: FastifyInstance, deps: DashboardDeps): void {
  const view = (path: string, handler: (request: FastifyRequest, reply: FastifyReply, viewer: Viewer) => Promise<FastifyReply>) =>
    scope.get(path, { schema: { hide: true } as object }, (request, reply) => handler(request, reply, viewerOf(request)))

  view('/', (request, reply, viewer) => showOverview(deps, request, reply, viewer))
  view('/runs/:id', (request, reply, viewer) => showRun(deps, request, reply, viewer))
  view('/escalations', (request, reply, viewer) => showEscalations(deps, request, reply, viewer))
  view('/dead-letters', async (request, reply, viewer) => {
    if (!hasRole(viewer, OPERATORS)) return sendNotFound(request, reply, 'page')
    const { step, code } = queryOf(request)
    const filter = { ...(step && { step }), ...(code && { code }), limit: MAX_LETTERS, open: true }
    const letters = await deps.runLog.deadLetters(viewer.tenantId, filter)
    const model = { letters, step, code, limit: MAX_LETTERS, formToken: formTokenFor(request), now: deps.clock.now() }
    return sendPage(request, reply, { title: 'Dead letters', body: deadLettersPage(model), notice: noticeFor(queryOf(request)) })
  })
  view('/batches', async (request, reply, viewer) => {
    // A batch holds requests of many tenants: as in the API, only who serves them all may see it.
    if (!hasRole(viewer, OPERATORS) || viewer.tenantId !== DEFAULT_TENANT_ID) return sendNotFound(request, reply, 'page')
    const batches = await deps.batches.list(MAX_BATCHES)
    const body = batchesPage({ batches, limit: MAX_BATCHES, now: deps.clock.now() })
    return sendPage(request, reply, { title: 'Batches', body })
  })
  view('/find', async (request, reply, viewer) => {
    const { id = '' } = queryOf(request)
    const runId = id.startsWith('tkt_') ? (await deps.tickets.find(viewer.tenantId, id))?.runId : id
    if (!runId) return sendNotFound(request, reply, 'such ticket')
    return reply.redirect(`/console/runs/${encodeURIComponent(runId)}`, 303)
  })
}

async function showOverview(
  deps: DashboardDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  viewer: Viewer,
): Promise<FastifyReply> {
  const { tenantId } = viewer
  const now = deps.clock.now()
  const { status, refresh } = queryOf(request)
  const [figures, tickets, escalations, deadLetters, depths] = await Promise.all([
    deps.consoleStore.figures(tenantId, new Date(now.getTime() - DAY_MS)),
    deps.consoleStore.recentTickets(tenantId, { limit: MAX_TICKETS, ...(status && { status }) }),
    deps.escalations.list(tenantId, { open: true, limit: 5 }),
    hasRole(viewer, OPERATORS) ? deps.runLog.deadLetters(tenantId, { open: true, limit: 5 }) : undefined,
    // With Redis down this page is needed most.
    deps.dispatcher.depths().catch((error: unknown) => {
      deps.log.warn({ error }, 'queue depths cannot be read')
      return undefined
    }),
  ])
  const body = overviewPage({ figures, tickets, escalations, deadLetters, depths, status, refreshSeconds: refresh, now })
  return sendPage(request, reply, { title: 'Overview', body, refreshSeconds: refresh })
}

async function showRun(deps: DashboardDeps, request: FastifyRequest, reply: FastifyReply, viewer: Viewer): Promise<FastifyReply> {
  const { id } = Params.parse(request.params)
  const run = await deps.runLog.load(id)
  if (run?.tenantId !== viewer.tenantId) return sendNotFound(request, reply, 'such run')
  const [attempts, calls, reply_, escalation, letters] = await Promise.all([
    deps.runLog.attempts(run.tenantId, run.id),
    deps.consoleStore.modelCalls(run.tenantId, run.id),
    deps.conversations.replyOf(run.tenantId, run.id),
    deps.escalations.ofRun(run.tenantId, run.id),
    hasRole(viewer, OPERATORS) ? deps.runLog.deadLetters(run.tenantId, { open: true, limit: MAX_LETTERS }) : [],
  ])
  const deadLetters = letters.filter(({ runId }) => runId === run.id)
  const formToken = formTokenFor(request)
  const body = runPage({ run, attempts, calls, reply: reply_, escalation, deadLetters, formToken, now: deps.clock.now() })
  return sendPage(request, reply, { title: `Run ${run.id}`, body, notice: noticeFor(queryOf(request)) })
}

async function showEscalations(
  deps: DashboardDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  viewer: Viewer,
): Promise<FastifyReply> {
  const { tenantId, actor } = viewer
  const mine = queryOf(request).mine === '1'
  const filter = { open: true, limit: MAX_ESCALATIONS + 1, ...(mine && { claimedBy: actor }) }
  const found = await deps.escalations.list(tenantId, filter)
  const escalations = found.slice(0, MAX_ESCALATIONS)
  const held = escalations.filter(({ claimedBy }) => claimedBy === actor).slice(0, MAX_WORKBENCHES)
  const loaded = await Promise.all(held.map(({ runId }) => deps.runLog.load(runId)))
  const runs = new Map(loaded.flatMap((run) => (run?.tenantId === tenantId ? [[run.id, run] as const] : [])))
  const body = escalationsPage({
    escalations,
    runs,
    mine,
    more: found.length > escalations.length,
    actor,
    formToken: formTokenFor(request),
    now: deps.clock.now(),
  })
  return sendPage(request, reply, { title: 'Escalations', body, notice: noticeFor(queryOf(request)) })
}
