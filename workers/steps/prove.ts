import { draftOf, parsedItem } from '#workers/logic/digest-item.ts'
import { digestChunks } from '#workers/logic/digest-parts.ts'
import { proveDigest } from '#workers/logic/prove-digest.ts'
import type { Step } from '#workers/step.ts'

/** Holds the draft against the document. Asks no model: what stands in a document cannot talk it round. */
export const prove: Step<'digest-document', 'prove', 'digestItems'> = async (_facts, { digestItems }, context) => {
  const { tenant, runId, subjectId, now } = context
  const { item, parsed } = await parsedItem(digestItems, context)
  const draft = await draftOf(digestItems, context)
  const proof = proveDigest(item.settings, draft, parsed, digestChunks(subjectId, parsed, tenant))
  if ('failure' in proof) {
    await digestItems.settle(tenant.id, runId, proof.failure, now)
    return { outcome: 'unproven', facts: { undigested: { code: proof.failure.code, reason: '' } } }
  }
  await digestItems.saveResult(tenant.id, runId, proof.result)
  return { outcome: 'proven', facts: { proven: { kept: proof.kept, cut: proof.cut } } }
}
