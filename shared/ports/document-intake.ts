import type { DocumentState, SourceDocument } from '#shared/domain/document.ts'
import type { NewRun } from './run-log.ts'

export type Intake =
  | { readonly kind: 'queued' }
  /** This very content is there already (or on its way): nothing was written. */
  | { readonly kind: 'unchanged'; readonly runId: string; readonly state: DocumentState }

export type IncomingDocument = SourceDocument & {
  readonly metadata?: Readonly<Record<string, unknown>>
  /** The content, where it came as bytes; `text` is empty then. */
  readonly original?: Uint8Array
}

/** Where documents come in and go: the side of the document store that the API needs. */
export interface DocumentIntake {
  /**
   * The document (new, or in place of its older version) and the run that indexes it, in one durable statement. The same
   * content hash again is no work, unless indexing it had failed. Cached answers that cite the older version go with it.
   */
  accept(document: IncomingDocument, run: NewRun): Promise<Intake>
  /**
   * Begins indexing again, for a document that failed or is indexed.
   * @returns false when it is gone, has another version by now, or is on its way
   */
  retry(tenantId: string, documentId: string, contentHash: string, run: NewRun): Promise<boolean>
  /** Runs under way of a document that is gone, or that were begun before it was sent again. */
  openRunsOf(tenantId: string, documentId: string): Promise<string[]>
  /**
   * The document and every trace of it: text, chunks, vectors, what the search indexes hold and what others keep a copy of. Safe to
   * repeat after a crash.
   * @returns false when there was no such document
   */
  remove(tenantId: string, documentId: string): Promise<boolean>
}
