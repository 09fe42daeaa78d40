import { derivedId } from '#shared/domain/id.ts'
import type { JournalKey } from '#shared/ports/journal.ts'
import type { Place } from '#shared/ports/sealer.ts'

/** Where each sealed text stands. A place that changes makes what was sealed for it unreadable. */
export const factAt = (tenantId: string, runId: string, name: string): Place => [tenantId, 'fact', runId, name]
export const replyAt = (tenantId: string, runId: string): Place => [tenantId, 'reply', runId]
export const turnAt = (tenantId: string, ticketId: string, part: 'asked' | 'answered'): Place => [
  tenantId,
  'turn',
  ticketId,
  part,
]
export const summaryAt = (tenantId: string, conversationId: string): Place => [tenantId, 'summary', conversationId]
export const escalationAt = (tenantId: string, id: string, part: 'reason' | 'summary'): Place => [
  tenantId,
  'escalation',
  id,
  part,
]
export const feedbackAt = (tenantId: string, id: string): Place => [tenantId, 'feedback', id]
export const responseAt = (tenantId: string, key: string): Place => [tenantId, 'response', key]

/**
 * Requests and replies of models, by the id of the request: a batch brings replies of many tenants and knows only ids, which follow
 * from tenant, run and request.
 */
export const modelRequestAt = (requestId: string): Place => ['', 'model-request', requestId]
export const modelReplyAt = (requestId: string): Place => ['', 'model-reply', requestId]
export const modelRequestId = ({ tenantId, runId, step, visit, requestHash }: JournalKey): string =>
  derivedId('brq', tenantId, runId, step, String(visit), requestHash)
