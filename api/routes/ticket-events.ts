import * as z from 'zod'
import { eventsOf } from '#pipelines/ticket-events.ts'
import { compareEventIds } from '#shared/domain/event.ts'
import { ENDED } from '#shared/domain/run.ts'
import type { App } from '../app.ts'
import type { ApiDeps, ApiLimits } from '../deps.ts'
import { followTicket } from '../follow-ticket.ts'
import { tooMany } from '../limits.ts'
import { invalid } from '../problem.ts'
import { ById, responses } from '../schemas.ts'
import type { SeqWatch } from '../seq-watch.ts'
import { createHeartbeat, openEventStream } from '../sse.ts'
import { runOfTicket } from './tickets.ts'

const EVENT_ID = /^\d{1,9}-\d{1,9}$/
const RETRY_AFTER_MS = 5_000

/** @returns undefined when the client has seen nothing yet. @throws Problem 422 */
function lastSeen(header: string | string[] | undefined): string | undefined {
  if (header === undefined || header === '') return undefined
  if (typeof header === 'string' && EVENT_ID.test(header)) return header
  throw invalid([{ field: 'Last-Event-ID', message: 'must be an id that this route has sent' }])
}

export function ticketEventRoutes(app: App, deps: ApiDeps, limits: ApiLimits, seqs: SeqWatch): void {
  const open = new Map<string, number>()
  const listening = new Set<AbortController>()
  const heartbeat = createHeartbeat(limits.heartbeatMs)
  // Connections that only listen would keep a server from ever stopping; clients come back with Last-Event-ID.
  app.addHook('preClose', async () => {
    heartbeat.stop()
    for (const one of listening) one.abort()
  })

  app.get(
    '/tickets/:id/events',
    {
      exposeHeadRoute: false,
      config: { roles: ['read', 'agent', 'operator'] },
      schema: {
        tags: ['tickets'],
        summary: 'Follow a ticket (server-sent events); Last-Event-ID resumes without gap or repeat',
        params: ById,
        response: responses({
          200: z.string().describe('text/event-stream: step, token, restart, answer, verdict, escalated, done'),
        }),
      },
    },
    async (request, reply) => {
      const { caller, params } = request
      const afterId = lastSeen(request.headers['last-event-id'])
      const run = await runOfTicket(caller, params.id, deps)
      const [tenantId, runId, ticketId] = [run.tenantId, run.id, run.subjectId]
      if (afterId !== undefined && ENDED.includes(run.status)) {
        const end = (await deps.runs.attempts(tenantId, runId)).flatMap(eventsOf).at(-1)
        // "No content" is how the standard tells a client to stop coming back.
        if (end && compareEventIds(afterId, end.id) >= 0) return reply.code(204).send(undefined as never)
      }
      const held = open.get(tenantId) ?? 0
      if (held >= limits.maxEventStreamsPerTenant)
        throw tooMany(`the tenant follows ${held} tickets on this process already`, RETRY_AFTER_MS)
      open.set(tenantId, held + 1)
      reply.hijack()
      const gone = new AbortController()
      listening.add(gone)
      const events = openEventStream(reply.raw, { 'x-request-id': request.id }, heartbeat, gone)
      const requestId = request.id
      try {
        const followed = { tenantId, ticketId, runId, afterId, signal: gone.signal }
        for await (const event of followTicket({ ...deps, seqs, eventsOf }, followed)) await events.send(event)
      } catch (error) {
        // The status is sent, so the connection ends; the client comes back to where it was.
        deps.log.warn({ requestId, ticketId, err: error }, 'an event stream broke off')
      } finally {
        listening.delete(gone)
        events.end()
        const left = open.get(tenantId)! - 1
        if (left > 0) open.set(tenantId, left)
        else open.delete(tenantId)
      }
      return reply
    },
  )
}
