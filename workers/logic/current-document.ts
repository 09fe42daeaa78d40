import type { DocumentVersion, Unindexed } from '#shared/domain/indexing.ts'
import type { DocumentStore, StoredDocument } from '#shared/ports/document-store.ts'

/** The document, if it still has the version this run was begun for. */
export async function currentDocument(
  documents: DocumentStore,
  tenantId: string,
  { documentId, contentHash }: DocumentVersion,
): Promise<StoredDocument | undefined> {
  const document = await documents.get(tenantId, documentId)
  return document?.contentHash === contentHash ? document : undefined
}

export const superseded = (): { outcome: 'superseded'; facts: { unindexed: Unindexed } } => ({
  outcome: 'superseded',
  facts: { unindexed: { code: 'superseded', reason: 'the document was changed or deleted since this run began' } },
})

/** Unfit to be indexed, and the same next time: the document says why. */
export async function rejected(
  documents: DocumentStore,
  tenantId: string,
  { documentId, contentHash }: DocumentVersion,
  { code, reason }: Unindexed,
): Promise<{ outcome: 'rejected'; facts: { unindexed: Unindexed } }> {
  await documents.markState(tenantId, documentId, contentHash, { state: 'failed', code, reason })
  return { outcome: 'rejected', facts: { unindexed: { code, reason } } }
}
