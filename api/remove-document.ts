import { faqDocumentId } from '#shared/domain/digest.ts'
import type { ApiDeps } from './deps.ts'

const BY = 'a document was deleted'

/**
 * Removes a document, what sets have made of it, and the questions and answers that were indexed from it. Everything follows also when
 * the document was gone before, so that a repeat after a crash finishes the work.
 * @returns false when there was no such document
 */
export async function removeDocument(
  { intake, documentSets, mover, clock }: Pick<ApiDeps, 'intake' | 'documentSets' | 'mover' | 'clock'>,
  tenantId: string,
  documentId: string,
): Promise<boolean> {
  const removed = await intake.remove(tenantId, documentId)
  const faqId = faqDocumentId(tenantId, documentId)
  const open = await Promise.all([
    documentSets.openRunsOf(tenantId, documentId),
    ...[documentId, faqId].map((id) => intake.openRunsOf(tenantId, id)),
  ])
  for (const runId of open.flat()) await mover.move(runId, { kind: 'cancelled' }, BY)
  await documentSets.forgetDocument(tenantId, documentId, clock.now())
  await intake.remove(tenantId, faqId)
  return removed
}
