import { currentDocument, superseded } from '#workers/logic/current-document.ts'
import { embeddedChunks } from '#workers/logic/embedded-chunks.ts'
import type { Step } from '#workers/step.ts'

/** Computes the vectors that are not known yet: a changed document pays only for what changed. */
export const embed: Step<'index-document', 'embed', 'documents' | 'embedder'> = async (
  { document },
  doors,
  { tenant, signal, call },
) => {
  if (!(await currentDocument(doors.documents, tenant.id, document))) return superseded()
  const { items, computed } = await embeddedChunks(tenant.id, document.documentId, document.contentHash, doors, signal, call)
  if (items.length === 0) return superseded()
  return { outcome: 'embedded', facts: { vectors: { embedderId: doors.embedder.id, count: items.length, computed } } }
}
