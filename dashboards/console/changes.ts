import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { wellFormed } from '#shared/domain/ticket.ts'
import type { Escalation } from '#shared/ports/escalation-store.ts'
import { hasRole, isFormToken, viewerOf } from '../access.ts'
import type { DashboardDeps, Viewer } from '../deps.ts'
import { decide } from './decide.ts'
import { html } from './html.ts'
import { OPERATORS, sendNotFound, sendPage } from './layout.ts'
import { MAX_ANSWER_CHARACTERS } from './pages/escalations.ts'
import { MAX_LETTERS } from './views.ts'

const line = (max: number) => z.string().trim().min(1).max(max).refine(wellFormed)
const Answer = line(MAX_ANSWER_CHARACTERS)
const Reason = line(500)
const Ids = z.array(z.string().min(1).max(100)).max(MAX_LETTERS)
const RUN_PAGE = /^\/console\/runs\/[A-Za-z0-9_]{1,100}$/

export function addChanges(scope: FastifyInstance, deps: DashboardDeps): void {
  const change = (
    path: string,
    handler: (form: URLSearchParams, request: FastifyRequest, reply: FastifyReply, viewer: Viewer) => Promise<FastifyReply>,
  ) =>
    scope.post(path, { schema: { hide: true } as object }, (request, reply) => {
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
      if (!isFormToken(request, form.get('_token')))
        return refuse(request, reply, 403, 'The form is out of date. Open the page again.')
      return handler(form, request, reply, viewerOf(request))
    })

  const onCase =
    (action: string, act: (escalation: Escalation, form: URLSearchParams, viewer: Viewer) => Promise<string | undefined>) =>
    async (form: URLSearchParams, request: FastifyRequest, reply: FastifyReply, viewer: Viewer) => {
      const { id } = z.object({ id: z.string().max(100) }).parse(request.params)
      const escalation = await deps.escalations.find(viewer.tenantId, id)
      if (!escalation) return sendNotFound(request, reply, 'such case')
      await audit(deps, viewer, `escalation.${action}`, id)
      const done = await act(escalation, form, viewer)
      if (done === undefined)
        return refuse(request, reply, 422, 'Write something, and not too much; NUL and broken characters cannot be sent.')
      return reply.redirect(`/console/escalations?done=${done}#${encodeURIComponent(id)}`, 303)
    }

  change(
    '/escalations/:id/claim',
    onCase('claim', async ({ id }, _form, { tenantId, actor }) =>
      (await deps.escalations.claim(tenantId, id, actor, deps.clock.now())) ? 'claimed' : 'held',
    ),
  )
  change(
    '/escalations/:id/answer',
    onCase('answer', async (escalation, form, viewer) => {
      // Browsers send line ends as CR LF.
      const text = Answer.safeParse(form.get('text')?.replaceAll('\r\n', '\n')).data
      return text === undefined ? undefined : decide(deps, viewer, escalation, { decision: 'answer', text })
    }),
  )
  change(
    '/escalations/:id/dismiss',
    onCase('dismiss', async (escalation, form, viewer) => {
      const reason = Reason.safeParse(form.get('reason')).data
      return reason === undefined ? undefined : decide(deps, viewer, escalation, { decision: 'dismiss', reason })
    }),
  )
  change('/dead-letters/redrive', (form, request, reply, viewer) => redriveChosen(deps, form, request, reply, viewer))
}

async function redriveChosen(
  deps: DashboardDeps,
  form: URLSearchParams,
  request: FastifyRequest,
  reply: FastifyReply,
  viewer: Viewer,
) {
  if (!hasRole(viewer, OPERATORS))
    return refuse(request, reply, 403, 'Dead letters are redriven by holders of the role operator.')
  const chosen = Ids.safeParse(form.getAll(form.has('all') ? 'shown' : 'id')).data
  if (chosen === undefined) return refuse(request, reply, 422, 'Too many at once.')
  const sent = form.get('back') ?? ''
  const back = RUN_PAGE.test(sent) ? sent : '/console/dead-letters'
  if (chosen.length === 0) return reply.redirect(`${back}?done=none-chosen`, 303)
  let redriven = 0
  // One after the other: a redrive is work for the queues, and there may be a reason why they died.
  for (const id of chosen) {
    await audit(deps, viewer, 'dead-letter.redrive', id)
    if ((await deps.redrive(id, { tenantId: viewer.tenantId, actor: viewer.actor })).redriven) redriven++
  }
  const done = redriven > 0 ? `redriven&n=${redriven}` : `not-redriven&n=${chosen.length}`
  return reply.redirect(`${back}?done=${done}`, 303)
}

const audit = (deps: DashboardDeps, { tenantId, actor }: Viewer, action: string, target: string) =>
  deps.audit({ tenantId, actor, action, target, detail: { by: 'console' }, at: deps.clock.now() })

const refuse = (request: FastifyRequest, reply: FastifyReply, status: number, why: string) =>
  sendPage(request, reply, {
    title: 'Not done',
    status,
    body: html`<h1>Not done</h1><p>${why} <a href="/console">Back to the overview</a></p>`,
  })
