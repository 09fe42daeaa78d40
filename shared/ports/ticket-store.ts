import type { Ticket } from '#shared/domain/ticket.ts'
import type { NewRun } from './run-log.ts'

export type Arrival = {
  readonly ticket: Ticket
  readonly run: NewRun
  /** Present when the producer sent an `Idempotency-Key`. */
  readonly idempotency?: { readonly key: string; readonly route: string; readonly bodyHash: string }
}
export type Acceptance =
  | { readonly kind: 'accepted' }
  /** The key was used before, for this same body: what it made then. */
  | { readonly kind: 'replayed'; readonly ticketId: string; readonly runId: string }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'in-flight' }

export type TicketRow = {
  readonly id: string
  readonly tenantId: string
  readonly runId: string
  readonly conversationId: string
  readonly createdAt: Date
}

export interface TicketStore {
  /** Ticket, run, log and idempotency key in one durable statement: all of it or nothing. Calls made together travel together. */
  accept(arrival: Arrival): Promise<Acceptance>
  find(tenantId: string, ticketId: string): Promise<TicketRow | undefined>
  addFeedback(feedback: {
    readonly id: string
    readonly tenantId: string
    readonly ticketId: string
    readonly rating: 'up' | 'down'
    readonly comment?: string
    readonly createdAt: Date
  }): Promise<void>
}
