import * as z from 'zod'
import { Audience, DocumentInput, DocumentState } from '#shared/domain/document.ts'
import type { DocumentAcceptor } from '../accept-document.ts'
import { traceIdFrom } from '../accept-ticket.ts'
import type { App } from '../app.ts'
import type { ApiDeps, ApiLimits } from '../deps.ts'
import { notFound } from '../problem.ts'
import { ById, responses } from '../schemas.ts'

const Accepted = z.object({
  documentId: z.string(),
  runId: z.string(),
  state: z.string(),
  unchanged: z.boolean(),
  links: z.object({ self: z.string(), run: z.string() }),
})
const View = z.object({
  documentId: z.string(),
  title: z.string(),
  contentType: z.string(),
  url: z.string().nullable(),
  product: z.string().nullable(),
  audience: Audience,
  language: z.string().nullable(),
  modifiedAt: z.string().nullable(),
  contentHash: z.string(),
  state: DocumentState,
  error: z.object({ code: z.string(), reason: z.string() }).nullable(),
  chunkCount: z.int(),
  chunks: z.array(
    z.object({ id: z.string(), position: z.int(), section: z.array(z.string()), start: z.int(), end: z.int(), tokens: z.int() }),
  ),
})

export function documentRoutes(app: App, deps: ApiDeps, limits: ApiLimits, accept: DocumentAcceptor): void {
  app.post(
    '/documents',
    {
      bodyLimit: limits.maxDocumentBytes,
      config: { roles: ['ingest'] },
      schema: {
        tags: ['documents'],
        summary: 'Add or replace a document',
        body: DocumentInput,
        response: responses({ 202: Accepted }),
      },
    },
    async ({ caller, body, headers }, reply) =>
      reply.code(202).send(await accept(caller, body, traceIdFrom(headers.traceparent))),
  )

  app.get(
    '/documents/:id',
    {
      config: { roles: ['read', 'ingest', 'agent', 'operator'] },
      schema: {
        tags: ['documents'],
        summary: 'State, chunks, and the error if there was one',
        params: ById,
        response: responses({ 200: View }),
      },
    },
    async ({ caller, params }) => {
      const tenantId = caller.tenant.id
      const document = await deps.documents.get(tenantId, params.id)
      if (!document) throw notFound('document')
      const chunks = await deps.documents.chunksOf(tenantId, document.id, document.contentHash)
      const { title, contentType, url, product, audience, language, modifiedAt, contentHash, state, code, reason } = document
      return {
        documentId: document.id,
        title,
        contentType,
        url: url ?? null,
        product: product ?? null,
        audience,
        language: language ?? null,
        modifiedAt: modifiedAt ?? null,
        contentHash,
        state,
        error: state === 'failed' ? { code: code ?? 'unknown', reason: reason ?? '' } : null,
        chunkCount: chunks.length,
        chunks: chunks.map(({ id, position, section, start, end, tokens }) => ({ id, position, section, start, end, tokens })),
      }
    },
  )

  app.delete(
    '/documents/:id',
    {
      config: { roles: ['ingest', 'operator'] },
      schema: {
        tags: ['documents'],
        summary: 'Remove a document and every trace of it',
        params: ById,
        response: responses({ 204: z.undefined().describe('removed') }),
      },
    },
    async ({ caller, params }, reply) => {
      if (!(await deps.intake.remove(caller.tenant.id, params.id))) throw notFound('document')
      return reply.code(204).send()
    },
  )
}
