import { hash } from 'node:crypto'
import { beginRun } from '#pipelines/advance.ts'
import { indexDocument } from '#pipelines/index-document.ts'
import type { DocumentInput, SourceDocument } from '#shared/domain/document.ts'
import { derivedId, newId } from '#shared/domain/id.ts'
import { newTraceId } from './accept-ticket.ts'
import type { Caller } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import type { DispatchLater } from './dispatch-later.ts'
import { checkBacklog } from './limits.ts'

export type AcceptedDocument = {
  readonly documentId: string
  readonly runId: string
  readonly state: string
  /** The same content was there already: nothing happened. */
  readonly unchanged: boolean
  readonly links: { readonly self: string; readonly run: string }
}

/** Takes in one document: one durable statement with the run that indexes it, then its first job. @throws Problem 429, 503 */
export function documentAcceptor(deps: ApiDeps, dispatch: DispatchLater) {
  return async (caller: Caller, input: DocumentInput, traceId: string | undefined): Promise<AcceptedDocument> => {
    checkBacklog(caller.tenant, deps)
    const { clock, intake } = deps
    const now = clock.now()
    const random = () => clock.random()
    const tenantId = caller.tenant.id
    const document = documentOf(input, tenantId)
    // An upload is nobody's urgent question: it goes behind tickets.
    const state = beginRun(indexDocument, 'standard', now)
    const run = {
      id: newId('run', now, random),
      tenantId,
      pipeline: indexDocument.name,
      version: indexDocument.version,
      subjectId: document.id,
      traceId: traceId ?? newTraceId(random),
      state,
      given: { [indexDocument.given]: { documentId: document.id, contentHash: document.contentHash } },
      createdAt: now,
    }
    const metadata = input.metadata === undefined ? {} : { metadata: input.metadata }
    const intaken = await intake.accept({ ...document, ...metadata }, run)
    if (intaken.kind === 'unchanged') return accepted(document.id, intaken.runId, intaken.state, true)
    const { step, lane, seq } = state
    dispatch.add({ runId: run.id, seq, pipeline: run.pipeline, step, lane, delayMs: 0, backlog: deps.backlogOf(tenantId) })
    return accepted(document.id, run.id, 'queued', false)
  }
}
export type DocumentAcceptor = ReturnType<typeof documentAcceptor>

const accepted = (documentId: string, runId: string, state: string, unchanged: boolean): AcceptedDocument => ({
  documentId,
  runId,
  state,
  unchanged,
  links: { self: `/v1/documents/${documentId}`, run: `/v1/runs/${runId}` },
})

/** Without an id, the address names the document, so that its next version replaces it; without either, its content does. */
function documentOf(input: DocumentInput, tenantId: string): SourceDocument {
  const { id, title = '', text, contentType, url, product, audience, language, modifiedAt } = input
  const indexed = [title, text, contentType, url, product, audience, language, modifiedAt].map((part) => part ?? null)
  const contentHash = hash('sha256', JSON.stringify(indexed), 'hex')
  return {
    id: id ?? derivedId('doc', tenantId, ...(url === undefined ? ['content', contentHash] : ['url', url])),
    tenantId,
    title,
    text,
    contentType,
    audience,
    contentHash,
    ...(url === undefined ? {} : { url }),
    ...(product === undefined ? {} : { product }),
    ...(language === undefined ? {} : { language }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
  }
}
