import * as z from 'zod'
import { Audience, DocumentInput, DocumentState } from '#shared/domain/document.ts'
import type { StoredDocument } from '#shared/ports/document-store.ts'
import type { DocumentAcceptor, DocumentRetrier } from '../accept-document.ts'
import { traceIdFrom } from '../accept-ticket.ts'
import type { App } from '../app.ts'
import type { ApiDeps, ApiLimits } from '../deps.ts'
import { Upload } from '../document-upload.ts'
import { fieldErrors, invalid, notFound } from '../problem.ts'
import { removeDocument } from '../remove-document.ts'
import { ById, Id, Limit, responses } from '../schemas.ts'

const Accepted = z.object({
  documentId: z.string(),
  runId: z.string(),
  state: z.string(),
  unchanged: z.boolean(),
  links: z.object({ self: z.string(), run: z.string() }),
})
const Item = z.object({
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
})
const View = Item.extend({
  chunkCount: z.int(),
  chunks: z.array(
    z.object({
      id: z.string(),
      position: z.int(),
      section: z.array(z.string()),
      page: z.int().nullable(),
      start: z.int(),
      end: z.int(),
      tokens: z.int(),
    }),
  ),
})
const Page = z.object({ documents: z.array(Item), next: z.string().nullable().describe('`after` of the next page') })

const itemOf = (document: StoredDocument): z.infer<typeof Item> => {
  const { id, contentType, url, product, audience, language, modifiedAt, contentHash, state, code, reason } = document
  return {
    documentId: id,
    title: document.title || document.foundTitle || '',
    contentType,
    url: url ?? null,
    product: product ?? null,
    audience,
    language: language ?? null,
    modifiedAt: modifiedAt ?? null,
    contentHash,
    state,
    error: state === 'failed' ? { code: code ?? 'unknown', reason: reason ?? '' } : null,
  }
}

export type DocumentWays = { readonly accept: DocumentAcceptor; readonly retry: DocumentRetrier }

/** Of a scope that takes uploads. */
export function documentRoutes(app: App, deps: ApiDeps, limits: ApiLimits, ways: DocumentWays): void {
  sendingRoutes(app, limits, ways)
  readingRoutes(app, deps)
}

function sendingRoutes(app: App, limits: ApiLimits, { accept, retry }: DocumentWays): void {
  app.post(
    '/documents',
    {
      bodyLimit: limits.maxDocumentBytes,
      config: { roles: ['ingest'] },
      // A multipart body was checked when it was read.
      validatorCompiler:
        ({ schema }) =>
        (data) => {
          if (data instanceof Upload) return { value: data }
          const result = (schema as unknown as typeof DocumentInput).safeParse(data)
          return result.success ? { value: result.data } : { error: invalid(fieldErrors(result.error.issues)) }
        },
      schema: {
        tags: ['documents'],
        summary: 'Add or replace a document: JSON, or multipart/form-data with one file and the other fields',
        consumes: ['application/json', 'multipart/form-data'],
        body: DocumentInput,
        response: responses({ 202: Accepted }),
      },
    },
    async ({ caller, body, headers }, reply) => {
      const sent = body as DocumentInput | Upload
      const document = sent instanceof Upload ? sent.document : sent
      return reply.code(202).send(await accept(caller, document, traceIdFrom(headers.traceparent)))
    },
  )

  app.post(
    '/documents/:id/retry',
    {
      config: { roles: ['ingest', 'operator'] },
      schema: {
        tags: ['documents'],
        summary: 'Index a document again that failed, or that is indexed with older settings',
        params: ById,
        response: responses({ 202: Accepted }),
      },
    },
    async ({ caller, params, headers }, reply) =>
      reply.code(202).send(await retry(caller, params.id, traceIdFrom(headers.traceparent))),
  )
}

function readingRoutes(app: App, deps: ApiDeps): void {
  app.get(
    '/documents',
    {
      config: { roles: ['read', 'ingest', 'agent', 'operator'] },
      schema: {
        tags: ['documents'],
        summary: 'Documents with their states, by id',
        querystring: z.object({ state: DocumentState.optional(), after: Id.optional(), limit: Limit(100, 1_000) }),
        response: responses({ 200: Page }),
      },
    },
    async ({ caller, query }) => {
      const documents = await deps.documents.list(caller.tenant.id, query)
      const next = documents.length < query.limit ? null : documents.at(-1)!.id
      return { documents: documents.map(itemOf), next }
    },
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
      return {
        ...itemOf(document),
        chunkCount: chunks.length,
        chunks: chunks.map(({ id, position, section, page = null, start, end, tokens }) => ({
          id,
          position,
          section,
          page,
          start,
          end,
          tokens,
        })),
      }
    },
  )

  app.delete(
    '/documents/:id',
    {
      config: { roles: ['ingest', 'operator'] },
      schema: {
        tags: ['documents'],
        summary: 'Remove a document and every trace of it, also in document sets',
        params: ById,
        response: responses({ 204: z.undefined().describe('removed') }),
      },
    },
    async ({ caller, params }, reply) => {
      if (!(await removeDocument(deps, caller.tenant.id, params.id))) throw notFound('document')
      return reply.code(204).send()
    },
  )
}
