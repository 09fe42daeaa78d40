import type { StreamedEvent } from '#shared/domain/event.ts'

/**
 * Carries what a ticket's followers see from the worker that makes it to the API process that holds the connection. It may
 * vanish with Redis: everything but half-written tokens can be told again from the log (`eventsOf`).
 */
export interface TokenStream {
  /** Events must come in the order of their ids; one that is not newer than the last is dropped, so that a repeat shows once. */
  append(tenantId: string, ticketId: string, events: readonly StreamedEvent[]): Promise<void>
  /** What is held after `afterId` (all of it without one), then live until `done` or abort. Gaps are possible; the log fills them. */
  follow(tenantId: string, ticketId: string, afterId: string | undefined, signal: AbortSignal): AsyncIterable<StreamedEvent>
}
