import type { DigestDraft, Undigested } from '#shared/domain/digest.ts'
import type { ItemFailure } from '#shared/domain/document-set.ts'
import { terminal } from '#shared/domain/failure.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { DigestItem, DigestItems } from '#shared/ports/document-set-store.ts'
import type { StepContext } from '#workers/step.ts'

type Whose = Pick<StepContext, 'tenant' | 'runId'>
const gone = () => terminal('item-gone', 'the document set of this run is not there any more')

/** @throws `item-gone` (terminal) */
export async function itemOf(items: DigestItems, { tenant, runId }: Whose): Promise<DigestItem> {
  const item = await items.of(tenant.id, runId)
  if (!item) throw gone()
  return item
}

/** What `read` saved. @throws `item-gone` (terminal) */
export async function parsedItem(items: DigestItems, whose: Whose): Promise<{ item: DigestItem; parsed: ParsedDocument }> {
  const item = await itemOf(items, whose)
  const parsed = await items.parsedOf(whose.tenant.id, whose.runId)
  if (!parsed) throw gone()
  return { item, parsed }
}

/** What `digest` saved. @throws `item-gone` (terminal) */
export async function draftOf(items: DigestItems, { tenant, runId }: Whose): Promise<DigestDraft> {
  const draft = await items.draftOf(tenant.id, runId)
  if (!draft) throw gone()
  return draft
}

/** The document gets no result and says why; the run remembers the code, but no words of the document. */
export async function rejectItem(
  items: DigestItems,
  { code, reason }: ItemFailure,
  { tenant, runId, now }: StepContext,
): Promise<{ outcome: 'rejected'; facts: { undigested: Undigested } }> {
  await items.settle(tenant.id, runId, { code, reason }, now)
  return { outcome: 'rejected', facts: { undigested: { code, reason: '' } } }
}
