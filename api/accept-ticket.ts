import { beginRun } from '#pipelines/advance.ts'
import { supportTicket } from '#pipelines/support-ticket.ts'
import { ownConversationId, type SentTurn } from '#shared/domain/conversation.ts'
import { newId } from '#shared/domain/id.ts'
import type { Lane, Requester, Ticket, TicketInput } from '#shared/domain/ticket.ts'
import type { Caller } from './auth.ts'
import type { ApiDeps, ApiLimits } from './deps.ts'
import type { DispatchLater } from './dispatch-later.ts'
import { bodyHash, keyInFlight, keyReused } from './idempotency.ts'
import { bounded, checkBacklog, takeTicketRate } from './limits.ts'
import { notFound } from './problem.ts'

export const ACCEPT_ROUTE = 'POST /v1/tickets'
/** `hash` where more than the ticket makes one request another. */
export type Keyed = { readonly key: string; readonly route: string; readonly hash?: string }
/** @property acceptedAt when a new ticket's run was created; of a repeat, its run says so */
export type AcceptedTicket = {
  readonly ticketId: string
  readonly runId: string
  readonly replayed: boolean
  readonly acceptedAt: Date
}
type AcceptDeps = Pick<
  ApiDeps,
  'tickets' | 'conversations' | 'limiter' | 'clock' | 'backlogOf' | 'backlogTotal' | 'backlogTook' | 'maxBacklogTotal' | 'crowded'
>

/**
 * Takes in one ticket: limits, then one durable statement, then its first job. A repeat under an idempotency key gets the ids of the
 * first one for a day.
 * @param history turns that the client sent along
 * @throws Problem 404 (another requester's conversation), 409, 422, 429, 503
 */
export function ticketAcceptor(deps: AcceptDeps, limits: ApiLimits, dispatch: DispatchLater) {
  const throughStore = bounded(limits.maxAcceptsInFlight, 'too many tickets')

  return async (
    caller: Caller,
    input: TicketInput,
    traceId: string | undefined,
    keyed?: Keyed,
    history?: readonly SentTurn[],
  ): Promise<AcceptedTicket> => {
    checkBacklog(caller.tenant, deps)
    await takeTicketRate(caller.tenant, input.requester?.id, deps)
    const { clock, tickets } = deps
    const now = clock.now()
    await claimConversation(caller, input, now, deps)
    const random = () => clock.random()
    const hash = keyed && (keyed.hash ?? bodyHash(input))
    const ticket = ticketOf(input, caller.tenant.id, newId('tkt', now, random), now, history)
    const run = {
      id: newId('run', now, random),
      tenantId: caller.tenant.id,
      pipeline: supportTicket.name,
      version: supportTicket.version,
      subjectId: ticket.id,
      traceId: traceId ?? newTraceId(random),
      state: beginRun(supportTicket, ticket.lane, now),
      given: { [supportTicket.given]: ticket },
      createdAt: now,
      // Somebody waits at the other end of the interactive lane, and it is served first anyway.
      held: ticket.lane !== 'interactive' && deps.crowded(caller.tenant.id),
    }
    const acceptance = await throughStore(() =>
      tickets.accept({
        ticket,
        run,
        ...(keyed ? { idempotency: { key: keyed.key, route: keyed.route, bodyHash: hash! } } : {}),
      }),
    )
    switch (acceptance.kind) {
      case 'mismatch':
        throw keyReused()
      case 'in-flight':
        throw keyInFlight()
      case 'replayed':
        return { ticketId: acceptance.ticketId, runId: acceptance.runId, replayed: true, acceptedAt: now }
      case 'accepted': {
        deps.backlogTook(caller.tenant.id)
        const accepted = { ticketId: ticket.id, runId: run.id, replayed: false, acceptedAt: now }
        if (run.held) return accepted
        const { step, lane, seq } = run.state
        dispatch.add({
          runId: run.id,
          seq,
          pipeline: run.pipeline,
          step,
          lane,
          delayMs: 0,
          backlog: deps.backlogOf(caller.tenant.id),
        })
        return accepted
      }
    }
  }
}
export type TicketAcceptor = ReturnType<typeof ticketAcceptor>

/** Nobody waits at the other end of an e-mail; in a chat somebody does. */
const laneFor = (input: TicketInput): Lane => input.lane ?? (input.channel === 'chat' ? 'interactive' : 'standard')

/** @throws Problem 404 when the conversation is another requester's */
async function claimConversation(caller: Caller, input: TicketInput, now: Date, deps: AcceptDeps): Promise<void> {
  const { conversationId } = input
  if (conversationId === undefined) return
  const requesterId = (input.requester ?? NOBODY).id
  if (!(await deps.conversations.claim(caller.tenant.id, conversationId, requesterId, now))) throw notFound('conversation')
}

const NOBODY: Requester = { id: 'anonymous' }

function ticketOf(input: TicketInput, tenantId: string, id: string, now: Date, history: readonly SentTurn[] = []): Ticket {
  const requester = input.requester ?? NOBODY
  return {
    id,
    tenantId,
    conversationId: input.conversationId ?? ownConversationId(id),
    subject: input.subject ?? '',
    body: input.body,
    channel: input.channel ?? 'api',
    requester,
    tier: requester.tier ?? 'standard',
    lane: laneFor(input),
    ...(input.callbackUrl === undefined ? {} : { callbackUrl: input.callbackUrl }),
    ...(input.metadata === undefined ? {} : { metadata: input.metadata }),
    receivedAt: now.toISOString(),
    ...(history.length > 0 ? { history: [...history] } : {}),
  }
}

export const ticketLinks = (ticketId: string, runId: string) => ({
  self: `/v1/tickets/${ticketId}`,
  events: `/v1/tickets/${ticketId}/events`,
  cancel: `/v1/tickets/${ticketId}/cancel`,
  feedback: `/v1/tickets/${ticketId}/feedback`,
  run: `/v1/runs/${runId}`,
})

/** The same bytes for the same ids, so that a repeat is answered with those of the first time. */
export const acceptedBody = ({ ticketId, runId }: { readonly ticketId: string; readonly runId: string }): string =>
  JSON.stringify({ ticketId, runId, status: 'accepted', links: ticketLinks(ticketId, runId) })

const hex8 = (random: () => number) =>
  Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0')
export const newTraceId = (random: () => number) => hex8(random) + hex8(random) + hex8(random) + hex8(random)

/** The trace a producer began (W3C Trace Context), if its header is well-formed. */
export function traceIdFrom(traceparent: string | string[] | undefined): string | undefined {
  const match = typeof traceparent === 'string' ? /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/.exec(traceparent) : null
  return match && !/^0+$/.test(match[1]!) ? match[1]! : undefined
}
