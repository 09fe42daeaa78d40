import * as z from 'zod'
import { DocumentInput } from '#shared/domain/document.ts'
import type { DocumentAcceptor } from '../accept-document.ts'
import { traceIdFrom } from '../accept-ticket.ts'
import type { App } from '../app.ts'
import type { Caller } from '../auth.ts'
import { answerLines, type LineOutcome, parseLine, uploadSlots } from '../bulk.ts'
import type { ApiDeps, ApiLimits } from '../deps.ts'
import { bodyHash, idempotencyKey, keyInFlight, keyReused } from '../idempotency.ts'
import { responses } from '../schemas.ts'
import { lineKey } from './tickets-bulk.ts'

const ROUTE = 'POST /v1/documents/bulk'

export function documentsBulkRoutes(app: App, deps: ApiDeps, limits: ApiLimits, accept: DocumentAcceptor): void {
  const inSlot = uploadSlots(limits.maxBulkUploads)

  const acceptLine = async (
    caller: Caller,
    input: DocumentInput,
    traceId: string | undefined,
  ): Promise<Record<string, unknown>> => {
    const { documentId, runId, state, unchanged } = await accept(caller, input, traceId)
    return { documentId, runId, state, unchanged }
  }
  const acceptKeyed = async (
    caller: Caller,
    input: DocumentInput,
    traceId: string | undefined,
    key: string,
  ): Promise<LineOutcome> => {
    const tenantId = caller.tenant.id
    const claim = await deps.idempotency.claim(tenantId, key, ROUTE, bodyHash(input), deps.clock.now())
    if (claim.kind === 'mismatch') throw keyReused()
    if (claim.kind === 'in-flight') throw keyInFlight()
    if (claim.kind === 'replayed') return { result: claim.response as Record<string, unknown>, replayed: true }
    try {
      const result = await acceptLine(caller, input, traceId)
      await deps.idempotency.settle(tenantId, key, result)
      return { result, replayed: false }
    } catch (error) {
      await deps.idempotency.release(tenantId, key)
      throw error
    }
  }

  app.post(
    '/documents/bulk',
    {
      config: { roles: ['ingest'], idempotency: 'own' },
      schema: {
        tags: ['documents'],
        summary: 'Add or replace many documents: NDJSON, one a line; answers one result a line, in their order',
        consumes: ['application/x-ndjson'],
        response: responses({
          202: z.string().describe('application/x-ndjson: {line, status, documentId, runId, state, unchanged} or a refusal'),
        }),
      },
    },
    async (request, reply) => {
      const { caller, headers } = request
      const key = idempotencyKey(request)
      const traceId = traceIdFrom(headers.traceparent)
      const work = async (bytes: Buffer, line: number): Promise<LineOutcome> => {
        const input = parseLine(DocumentInput, bytes)
        if (key !== undefined) return acceptKeyed(caller, input, traceId, lineKey(key, line))
        return { result: await acceptLine(caller, input, traceId), replayed: false }
      }
      const options = {
        maxLineBytes: limits.maxDocumentBytes,
        maxBytes: limits.maxBulkBytes,
        patienceMs: limits.bulkPatienceMs,
        work,
      }
      await inSlot(() => answerLines(request, reply, options, deps))
      return reply as never
    },
  )
}
