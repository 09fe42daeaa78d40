import type { DocumentState, SourceDocument } from '#shared/domain/document.ts'
import type { NewRun } from './run-log.ts'

export type Intake =
  | { readonly kind: 'queued' }
  /** This very content is there already (or on its way): nothing was written. */
  | { readonly kind: 'unchanged'; readonly runId: string; readonly state: DocumentState }

/** Where documents come in and go: the side of the document store that the API needs. */
export interface DocumentIntake {
  /**
   * The document (new, or in place of its older version) and the run that indexes it, in one durable statement. The same
   * content hash again is no work, unless indexing it had failed.
   */
  accept(document: SourceDocument & { readonly metadata?: Readonly<Record<string, unknown>> }, run: NewRun): Promise<Intake>
  /**
   * The document and every trace of it: text, chunks, vectors and what the search indexes hold. Safe to repeat after a crash.
   * @returns false when there was no such document
   */
  remove(tenantId: string, documentId: string): Promise<boolean>
}
