import * as z from 'zod'
import { derivedId, newId } from '#shared/domain/id.ts'
import type { Run } from '#shared/domain/run.ts'
import { TicketInput } from '#shared/domain/ticket.ts'
import { ACCEPT_ROUTE, acceptedBody, type TicketAcceptor, traceIdFrom } from '../accept-ticket.ts'
import type { App } from '../app.ts'
import { type Caller, maySeeRaw } from '../auth.ts'
import { teachCache } from '../cache-feedback.ts'
import type { ApiDeps } from '../deps.ts'
import { teachExamples } from '../example-feedback.ts'
import { idempotencyKey, replay } from '../idempotency.ts'
import { conflict, notFound } from '../problem.ts'
import { ById, responses, Text } from '../schemas.ts'
import { TicketView, ticketStatus, ticketView } from '../ticket-view.ts'

const Accepted = z.object({
  ticketId: z.string(),
  runId: z.string(),
  status: z.literal('accepted'),
  links: z.record(z.string(), z.string()),
})
const Cancelled = z.object({ ticketId: z.string(), runId: z.string(), status: z.literal('cancelled') })
const FeedbackInput = z.strictObject({ rating: z.enum(['up', 'down']), comment: Text(2_000).optional() })

type TicketDeps = Pick<
  ApiDeps,
  | 'tickets'
  | 'runs'
  | 'mover'
  | 'conversations'
  | 'escalations'
  | 'usage'
  | 'clock'
  | 'cache'
  | 'cacheEvidence'
  | 'examples'
  | 'log'
>

/** @throws Problem 404, also for another tenant's ticket */
export async function runOfTicket(caller: Caller, ticketId: string, deps: Pick<ApiDeps, 'tickets' | 'runs'>): Promise<Run> {
  const ticket = await deps.tickets.find(caller.tenant.id, ticketId)
  const run = ticket && (await deps.runs.load(ticket.runId))
  if (run?.tenantId !== caller.tenant.id) throw notFound('ticket')
  return run
}

export function ticketRoutes(app: App, deps: TicketDeps, accept: TicketAcceptor): void {
  app.post(
    '/tickets',
    {
      config: { roles: ['ingest'], idempotency: 'own' },
      schema: { tags: ['tickets'], summary: 'Hand in a ticket', body: TicketInput, response: responses({ 202: Accepted }) },
    },
    async (request, reply) => {
      const key = idempotencyKey(request)
      const keyed = key === undefined ? undefined : { key, route: ACCEPT_ROUTE }
      const traceId = traceIdFrom(request.headers.traceparent)
      const accepted = await accept(request.caller, request.body, traceId, keyed)
      const body = acceptedBody(accepted)
      if (accepted.replayed) return replay(reply, { status: 202, body })
      reply.code(202).header('content-type', 'application/json; charset=utf-8')
      // Already JSON: the very bytes that a repeat gets.
      return reply.send(body as never)
    },
  )

  app.get(
    '/tickets/:id',
    {
      config: { roles: ['read', 'agent', 'operator'] },
      schema: {
        tags: ['tickets'],
        summary: 'A ticket and what came of it',
        params: ById,
        response: responses({ 200: TicketView }),
      },
    },
    async (request) => {
      const run = await runOfTicket(request.caller, request.params.id, deps)
      const [reply, escalation, usage] = await Promise.all([
        run.status === 'answered' ? deps.conversations.replyOf(run.tenantId, run.id) : undefined,
        deps.escalations.ofRun(run.tenantId, run.id),
        deps.usage.ofRun(run.tenantId, run.id),
      ])
      return ticketView({ run, reply, escalation, usage, raw: maySeeRaw(request.caller.roles) })
    },
  )

  app.post(
    '/tickets/:id/cancel',
    {
      config: { roles: ['ingest', 'agent', 'operator'] },
      schema: { tags: ['tickets'], summary: 'Stop working on a ticket', params: ById, response: responses({ 200: Cancelled }) },
    },
    async ({ caller, params }) => {
      const run = await runOfTicket(caller, params.id, deps)
      if (run.status !== 'cancelled') {
        const moved = await deps.mover.move(run.id, { kind: 'cancelled' }, caller.actor)
        if (!moved.moved)
          throw conflict('not-cancellable', `the ticket is ${ticketStatus(run)} and cannot be cancelled: ${moved.why}`)
        await deps.escalations.resolve(run.tenantId, run.id, 'cancelled', caller.actor, deps.clock.now())
      }
      return { ticketId: run.subjectId, runId: run.id, status: 'cancelled' as const }
    },
  )

  app.post(
    '/tickets/:id/feedback',
    {
      config: { roles: ['ingest', 'agent'] },
      schema: {
        tags: ['tickets'],
        summary: 'Say whether the answer helped',
        params: ById,
        body: FeedbackInput,
        response: responses({ 201: z.object({ feedbackId: z.string() }) }),
      },
    },
    async (request, reply) => {
      const { caller, params, body } = request
      const ticket = await deps.tickets.find(caller.tenant.id, params.id)
      if (!ticket) throw notFound('ticket')
      const key = idempotencyKey(request)
      const now = deps.clock.now()
      const id =
        key === undefined ? newId('fbk', now, () => deps.clock.random()) : derivedId('fbk', ticket.tenantId, ticket.id, key)
      const comment = body.comment === undefined ? {} : { comment: body.comment }
      await deps.tickets.addFeedback({
        id,
        tenantId: ticket.tenantId,
        ticketId: ticket.id,
        rating: body.rating,
        ...comment,
        createdAt: now,
      })
      await teachCache(ticket, body.rating, id, now, deps)
      await teachExamples(ticket, body.rating, now, deps)
      return reply.code(201).send({ feedbackId: id })
    },
  )
}
