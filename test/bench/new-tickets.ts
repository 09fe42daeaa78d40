import { randomUUID } from 'node:crypto'
import { beginRun } from '#pipelines/advance.ts'
import { supportTicket } from '#pipelines/support-ticket.ts'
import type { Ticket } from '#shared/domain/ticket.ts'
import type { Arrival } from '#shared/ports/ticket-store.ts'
import { REPAIR_MARK } from './stub-steps.ts'

/** No two the same, and no digit in it that a checker would take for a fact. */
const word = () =>
  [...randomUUID().replaceAll('-', '').slice(0, 12)].map((c) => String.fromCharCode(97 + Number.parseInt(c, 16))).join('')

/**
 * Tickets with their runs, as the API would make them.
 * @param first where to begin with questions and the mix, for those that are made one at a time
 * @param mix half-repaired: every second run takes the repair loop (7 and 9 hops, 8 on average)
 */
export function newTickets(
  n: number,
  mix: 'half-repaired' | 'plain',
  questions: readonly { readonly subject: string; readonly body: string }[],
  now: Date,
  first = 0,
): Arrival[] {
  return Array.from({ length: n }, (_, offset) => {
    const i = first + offset
    const own = word()
    const { subject, body } = questions[i % questions.length]!
    const ticket: Ticket = {
      id: `tkt_${own}${mix === 'half-repaired' && i % 2 === 1 ? REPAIR_MARK : ''}`,
      tenantId: 'default',
      conversationId: `cnv_${own}`,
      // Its own subject keeps a question out of the answer cache, which would cut its run to three hops.
      subject: `${subject} ${own}`,
      body,
      channel: 'api',
      requester: { id: `customer-${i % 100}` },
      tier: 'standard',
      lane: 'standard',
      receivedAt: now.toISOString(),
    }
    const run = {
      id: `run_${own}`,
      tenantId: ticket.tenantId,
      pipeline: supportTicket.name,
      version: supportTicket.version,
      subjectId: ticket.id,
      traceId: own.padEnd(32, '0'),
      state: beginRun(supportTicket, ticket.lane, now),
      given: { ticket },
      createdAt: now,
    }
    return { ticket, run }
  })
}
