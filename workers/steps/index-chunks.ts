import { retryable } from '#shared/domain/failure.ts'
import { superseded } from '#workers/logic/current-document.ts'
import { embeddedChunks } from '#workers/logic/embedded-chunks.ts'
import type { Deps, Step, StepContext } from '#workers/step.ts'

type Doors = Pick<Deps, 'documents' | 'embedder' | 'dense' | 'sparse' | 'knowledge' | 'space'>

/** Another run may write between our look at the store and our write to the indexes, so we look again; this often at most. */
const MAX_ROUNDS = 6
const NOTHING = ''

/**
 * Writes a document's chunks into both indexes, the dense one first (readers who catch the moment between keep to its version).
 * Whoever wrote last looks again and leaves the newest version that has chunks, or nothing of a document that is gone: so two
 * runs of one document may come in any order.
 */
export const index: Step<'index-document', 'index', keyof Doors> = async ({ document }, doors, context) => {
  const { documents, knowledge } = doors
  const { documentId, contentHash } = document
  const tenantId = context.tenant.id
  await assertServing(doors)
  /** The version that the indexes hold by our hand. */
  let written: string | undefined
  let count = 0
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const current = await documents.get(tenantId, documentId)
    const wanted = current?.contentHash ?? NOTHING
    if (wanted !== written) {
      const placed =
        wanted === NOTHING ? await removeTraces(documentId, doors, context) : await place(documentId, wanted, doors, context)
      // Nothing to place yet: the newer version's own run will come to it.
      if (placed === undefined) return superseded()
      written = wanted
      count = placed
      continue
    }
    const knowledgeVersion = await knowledge.bump(tenantId)
    if (wanted !== contentHash) return superseded()
    const marked = await documents.markState(tenantId, documentId, contentHash, { state: 'indexed', chunks: count })
    if (marked) return { outcome: 'indexed', facts: { indexed: { count, knowledgeVersion } } }
  }
  throw retryable('document-unsettled', 'the document changed again while it was being indexed')
}

/** Once another embedder's index serves, what is written to this one would be found by nobody: the run waits for a process of today. */
async function assertServing({ space, embedder }: Doors): Promise<void> {
  const serving = await space.current()
  if (serving !== undefined && serving !== embedder.id)
    throw retryable(
      'embedder-changed',
      `searches are served from the index of "${serving}", this process embeds with "${embedder.id}"`,
    )
}

/** @returns how many chunks were placed, or undefined when this version has none yet */
async function place(
  documentId: string,
  version: string,
  doors: Doors,
  { tenant, signal, call }: StepContext,
): Promise<number | undefined> {
  const { documents, embedder, dense, sparse } = doors
  const { items, textHashes } = await embeddedChunks(tenant.id, documentId, version, doors, signal, call)
  if (items.length === 0) return undefined
  const chunks = items.map(({ chunk }) => chunk)
  await dense.replaceDocument(tenant.id, documentId, items, signal)
  await sparse.replaceDocument(tenant.id, documentId, chunks, signal)
  await documents.pruneVectors(tenant.id, documentId, embedder.id, textHashes)
  return items.length
}

async function removeTraces(documentId: string, { dense, sparse }: Doors, { tenant, signal }: StepContext): Promise<number> {
  await dense.deleteDocument(tenant.id, documentId, signal)
  await sparse.deleteDocument(tenant.id, documentId, signal)
  return 0
}
