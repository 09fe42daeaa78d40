import type { DigestDraft, DigestResult } from '#shared/domain/digest.ts'
import type { DocumentInput } from '#shared/domain/document.ts'
import type {
  DigestSettings,
  DocumentQuery,
  ItemFailure,
  ScheduledQuery,
  SetOrder,
  SetProgress,
  SetState,
} from '#shared/domain/document-set.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { NewRun } from './run-log.ts'

export type NewSetItem = {
  readonly position: number
  readonly documentId: string | null
  readonly contentHash: string | null
  readonly title: string
  readonly inline: DocumentInput | null
  readonly run: NewRun
}
export type NewDocumentSet = {
  readonly id: string
  readonly tenantId: string
  readonly order: SetOrder
  readonly scheduleId: string | null
  readonly createdAt: Date
  readonly items: readonly NewSetItem[]
}

export type DocumentSet = {
  readonly id: string
  readonly tenantId: string
  readonly order: SetOrder
  readonly state: SetState
  readonly scheduleId: string | null
  readonly createdAt: Date
  readonly endedAt: Date | null
  readonly progress: SetProgress
}
export type SetMoney = {
  readonly costUsd: number
  /** Against the same calls made synchronously. */
  readonly savedUsd: number
}
/** How an item stands; `open` ones are under way. */
export type SetItem = {
  readonly position: number
  readonly runId: string
  readonly documentId: string | null
  readonly title: string
  readonly state: 'open' | 'done' | 'failed' | 'cancelled'
  readonly result: DigestResult | null
  readonly failure: ItemFailure | null
}

/** What takes sets, and what they hold of a document, out of the world again. Costs stay on the books. */
export interface DocumentSetRemoval {
  /** From now on nobody finds the set; what of it is under way is to be cancelled. @returns false when there is none */
  remove(tenantId: string, setId: string, at: Date): Promise<boolean>
  /** Removes the rows of deleted sets whose documents have all ended, and what models wrote for them. @returns how many sets */
  purge(limit: number): Promise<number>
  /** Runs of documents of this id that are under way. */
  openRunsOf(tenantId: string, documentId: string): Promise<string[]>
  /** Empties what sets hold of a document: its text, its results, what models wrote. The counts of the sets stay as they are. */
  forgetDocument(tenantId: string, documentId: string, at: Date): Promise<void>
}

/** Document sets as whoever orders and watches them sees them. */
export interface DocumentSetStore extends DocumentSetRemoval {
  /** The set, its items and their runs in one durable statement. @returns false when this set is there already: nothing was written */
  create(set: NewDocumentSet): Promise<boolean>
  /**
   * Indexed documents that fit, by id; those that a set has made are left out. With `changedFor`, only documents of which that
   * schedule has not handled the present version.
   */
  select(
    tenantId: string,
    query: DocumentQuery | ScheduledQuery,
    options: { readonly limit: number; readonly changedFor?: string | undefined },
  ): Promise<{ readonly documentId: string; readonly contentHash: string }[]>
  find(tenantId: string, setId: string): Promise<DocumentSet | undefined>
  /** Newest first. */
  list(tenantId: string, page: { readonly before?: string | undefined; readonly limit: number }): Promise<DocumentSet[]>
  money(tenantId: string, setId: string): Promise<SetMoney>
  /** In order, from the one behind `after`; `ended` leaves out those under way, `failed` keeps only those without a result. */
  items(
    tenantId: string,
    setId: string,
    page: { readonly after: number; readonly limit: number; readonly only: 'ended' | 'failed' },
  ): Promise<SetItem[]>
  /** @returns the state the set is in now, or undefined when there is none */
  cancel(tenantId: string, setId: string): Promise<SetState | undefined>
  /** Of sets that are being cancelled: runs that are still under way. */
  toCancel(limit: number): Promise<string[]>
  /** Open sets of which every document has ended. */
  endable(limit: number): Promise<{ readonly tenantId: string; readonly id: string }[]>
  /**
   * Ends a set that is still in the state `from`, and begins the run that tells its producer, in one statement.
   * @returns false when it has moved on or is not at its end
   */
  end(set: DocumentSet, to: SetState, at: Date, callback: NewRun | undefined): Promise<boolean>
}

export type DigestItem = {
  readonly setId: string
  readonly position: number
  readonly documentId: string | null
  readonly inline: DocumentInput | null
  readonly settings: DigestSettings
}

/** The item of a run, for the steps of `digest-document`. Writes for an item that has ended are dropped. */
export interface DigestItems {
  of(tenantId: string, runId: string): Promise<DigestItem | undefined>
  saveParsed(tenantId: string, runId: string, parsed: ParsedDocument, contentHash: string | null): Promise<void>
  parsedOf(tenantId: string, runId: string): Promise<ParsedDocument | undefined>
  saveDraft(tenantId: string, runId: string, draft: DigestDraft): Promise<void>
  draftOf(tenantId: string, runId: string): Promise<DigestDraft | undefined>
  saveResult(tenantId: string, runId: string, result: DigestResult): Promise<void>
  resultOf(tenantId: string, runId: string): Promise<DigestResult | undefined>
  /** The last word on an item: its saved result counts, or it failed. */
  settle(tenantId: string, runId: string, failure: ItemFailure | null, at: Date): Promise<void>
}
