import { hash } from 'node:crypto'
import * as z from 'zod'
import { TicketInput } from '#shared/domain/ticket.ts'
import { type TicketAcceptor, traceIdFrom } from '../accept-ticket.ts'
import type { App } from '../app.ts'
import { answerLines, parseLine, uploadSlots } from '../bulk.ts'
import type { ApiDeps, ApiLimits } from '../deps.ts'
import { idempotencyKey } from '../idempotency.ts'
import { responses } from '../schemas.ts'

const ROUTE = 'POST /v1/tickets/bulk'

/**
 * The key of one line follows from the upload's: an upload that broke off is sent again under the same key, and each of its
 * tickets is accepted once.
 */
export const lineKey = (key: string, line: number) => `bulk:${hash('sha256', key, 'base64url')}:${line}`

export function ticketsBulkRoutes(app: App, deps: ApiDeps, limits: ApiLimits, accept: TicketAcceptor): void {
  const inSlot = uploadSlots(limits.maxBulkUploads)
  app.post(
    '/tickets/bulk',
    {
      config: { roles: ['ingest'], idempotency: 'own' },
      schema: {
        tags: ['tickets'],
        summary: 'Hand in many tickets: NDJSON, one a line; answers one result a line, in their order',
        consumes: ['application/x-ndjson'],
        response: responses({
          202: z
            .string()
            .describe('application/x-ndjson: {line, status, ticketId, runId} or {line, status, code, detail, errors}'),
        }),
      },
    },
    async (request, reply) => {
      const { caller, headers } = request
      const key = idempotencyKey(request)
      const traceId = traceIdFrom(headers.traceparent)
      const work = async (bytes: Buffer, line: number) => {
        const keyed = key === undefined ? undefined : { key: lineKey(key, line), route: ROUTE }
        const { ticketId, runId, replayed } = await accept(caller, parseLine(TicketInput, bytes), traceId, keyed)
        return { result: { ticketId, runId }, replayed }
      }
      const options = {
        maxLineBytes: limits.maxBodyBytes,
        maxBytes: limits.maxBulkBytes,
        patienceMs: limits.bulkPatienceMs,
        work,
      }
      await inSlot(() => answerLines(request, reply, options, deps))
      return reply as never
    },
  )
}
