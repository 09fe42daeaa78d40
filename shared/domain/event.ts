import * as z from 'zod'

/** What a client that follows a ticket is told, over SSE. `done` is always last. */
export const TicketEvent = z.object({
  event: z.enum(['step', 'token', 'answer', 'verdict', 'escalated', 'done']),
  data: z.record(z.string(), z.unknown()),
})
export type TicketEvent = z.infer<typeof TicketEvent>
