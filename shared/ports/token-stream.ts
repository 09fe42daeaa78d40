import type { TicketEvent } from '#shared/domain/event.ts'

/** `id` orders events of one ticket and is what a client sends back as `Last-Event-ID`. */
export type StreamedEvent = TicketEvent & { readonly id: string }

/** What a ticket's followers see, across processes. It may vanish with Redis; the log can tell the story again. */
export interface TokenStream {
  append(tenantId: string, ticketId: string, events: readonly TicketEvent[]): Promise<void>
  /** Everything after `afterId` (or from the start), then live until `done` or abort. */
  follow(tenantId: string, ticketId: string, afterId: string | undefined, signal: AbortSignal): AsyncIterable<StreamedEvent>
}
