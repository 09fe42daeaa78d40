import { hash } from 'node:crypto'
import { beginRun } from '#pipelines/advance.ts'
import { indexDocument } from '#pipelines/index-document.ts'
import type { DocumentInput, SourceDocument, UploadFields } from '#shared/domain/document.ts'
import { derivedId, newId } from '#shared/domain/id.ts'
import type { IncomingDocument } from '#shared/ports/document-intake.ts'
import type { NewRun } from '#shared/ports/run-log.ts'
import { lookOf, looksLikeHtml, settleType, typeOfFileName } from '#shared/text/document-type.ts'
import { newTraceId } from './accept-ticket.ts'
import type { Caller } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import type { DispatchLater } from './dispatch-later.ts'
import { checkBacklog } from './limits.ts'
import { conflict, invalid, notFound, Problem } from './problem.ts'

export type AcceptedDocument = {
  readonly documentId: string
  readonly runId: string
  readonly state: string
  /** The same content was there already: nothing happened. */
  readonly unchanged: boolean
  readonly links: { readonly self: string; readonly run: string }
}
/** A document whose content came as the bytes of a file. */
export type UploadedDocument = UploadFields & {
  readonly file: { readonly bytes: Uint8Array; readonly name?: string | undefined }
}

/** Takes in one document: one durable statement with the run that indexes it, then its first job. @throws Problem 415, 422, 429, 503 */
export function documentAcceptor(deps: ApiDeps, dispatch: DispatchLater) {
  return async (
    caller: Caller,
    input: DocumentInput | UploadedDocument,
    traceId: string | undefined,
  ): Promise<AcceptedDocument> => {
    checkBacklog(caller.tenant, deps)
    const document = documentOf(input, caller.tenant.id)
    const run = newIndexRun(caller, document, traceId, deps)
    const intaken = await deps.intake.accept(document, run)
    if (intaken.kind === 'unchanged') return accepted(document.id, intaken.runId, intaken.state, true)
    dispatchFirst(run, deps, dispatch)
    return accepted(document.id, run.id, 'queued', false)
  }
}
export type DocumentAcceptor = ReturnType<typeof documentAcceptor>

/** Begins indexing a document again that failed, or whose tenant has other settings by now. @throws Problem 404, 409, 429, 503 */
export function documentRetrier(deps: ApiDeps, dispatch: DispatchLater) {
  return async (caller: Caller, documentId: string, traceId: string | undefined): Promise<AcceptedDocument> => {
    checkBacklog(caller.tenant, deps)
    const tenantId = caller.tenant.id
    const document = await deps.documents.get(tenantId, documentId)
    if (!document) throw notFound('document')
    const run = newIndexRun(caller, document, traceId, deps)
    if (!(await deps.intake.retry(tenantId, documentId, document.contentHash, run)))
      throw conflict('document-in-progress', 'the document is on its way; what is under way comes to its own end')
    dispatchFirst(run, deps, dispatch)
    return accepted(documentId, run.id, 'queued', false)
  }
}

export type DocumentRetrier = ReturnType<typeof documentRetrier>

type IndexedAs = Pick<SourceDocument, 'id' | 'contentHash'>

function newIndexRun({ tenant }: Caller, document: IndexedAs, traceId: string | undefined, { clock }: ApiDeps): NewRun {
  const now = clock.now()
  const random = () => clock.random()
  // An upload is nobody's urgent question: it goes behind tickets.
  const lane = tenant.config.knowledge.contextSentences === 'offline' ? 'offline' : 'standard'
  return {
    id: newId('run', now, random),
    tenantId: tenant.id,
    pipeline: indexDocument.name,
    version: indexDocument.version,
    subjectId: document.id,
    traceId: traceId ?? newTraceId(random),
    state: beginRun(indexDocument, lane, now),
    given: { [indexDocument.given]: { documentId: document.id, contentHash: document.contentHash } },
    createdAt: now,
  }
}

function dispatchFirst({ id, pipeline, tenantId, state }: NewRun, deps: ApiDeps, dispatch: DispatchLater): void {
  const { step, lane, seq } = state
  dispatch.add({ runId: id, seq, pipeline, step, lane, delayMs: 0, backlog: deps.backlogOf(tenantId) })
}

const accepted = (documentId: string, runId: string, state: string, unchanged: boolean): AcceptedDocument => ({
  documentId,
  runId,
  state,
  unchanged,
  links: { self: `/v1/documents/${documentId}`, run: `/v1/runs/${runId}` },
})

/** Without an id, the address names the document, so that its next version replaces it; without either, its content does. */
function documentOf(input: DocumentInput | UploadedDocument, tenantId: string): IncomingDocument {
  const { id, title = '', url, product, audience, language, modifiedAt, chunking, metadata } = input
  const { text, contentType, original, digest } = contentOf(input)
  const indexed = [title, digest, contentType, url, product, audience, language, modifiedAt].map((part) => part ?? null)
  const contentHash = hash('sha256', JSON.stringify(chunking === undefined ? indexed : [...indexed, chunking]), 'hex')
  return {
    id: id ?? derivedId('doc', tenantId, ...(url === undefined ? ['content', contentHash] : ['url', url])),
    tenantId,
    title,
    text,
    contentType,
    audience,
    contentHash,
    ...(original === undefined ? {} : { original }),
    ...(url === undefined ? {} : { url }),
    ...(product === undefined ? {} : { product }),
    ...(language === undefined ? {} : { language }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
    ...(chunking === undefined ? {} : { chunking }),
    ...(metadata === undefined ? {} : { metadata }),
  }
}

type Content = {
  readonly text: string
  readonly contentType: string
  readonly original?: Uint8Array
  /** Stands for the content in the hash of the document. */
  readonly digest: string
}

function contentOf(input: DocumentInput | UploadedDocument): Content {
  if (!('file' in input) && input.text !== undefined) {
    const look = looksLikeHtml(input.text) ? 'text/html' : 'text'
    return { text: input.text, digest: input.text, contentType: typeOf(look, input.contentType) }
  }
  const file = 'file' in input ? input.file : { bytes: Buffer.from(input.base64!, 'base64'), name: undefined }
  const { bytes, name } = file
  if (bytes.byteLength === 0) throw invalid([{ field: 'file', message: 'must not be empty' }])
  const declared = input.contentType ?? (name === undefined ? undefined : typeOfFileName(name))
  return {
    text: '',
    contentType: typeOf(lookOf(bytes), declared),
    original: bytes,
    digest: `sha256:${hash('sha256', bytes, 'hex')}`,
  }
}

function typeOf(look: ReturnType<typeof lookOf>, declared: Parameters<typeof settleType>[1]): string {
  const settled = settleType(look, declared)
  if ('type' in settled) return settled.type
  throw new Problem(415, settled.code, settled.reason)
}
