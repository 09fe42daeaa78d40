import type { Clock } from '#shared/ports/clock.ts'
import type { DocumentStore, StoredDocument } from '#shared/ports/document-store.ts'
import type { Embedder } from '#shared/ports/embedder.ts'
import type { Knowledge } from '#shared/ports/knowledge.ts'
import type { DenseIndex, SparseIndex } from '#shared/ports/search-index.ts'
import type { SearchSpace } from '#shared/ports/search-space.ts'
import { embeddedChunks } from './logic/embedded-chunks.ts'

export type RebuildDoors = {
  readonly documents: DocumentStore
  readonly embedder: Embedder
  /** Of this embedder: what is built here is not what serves, unless the embedder is the same. */
  readonly dense: DenseIndex
  readonly sparse: SparseIndex
  readonly knowledge: Knowledge
  readonly space: SearchSpace
  readonly clock: Pick<Clock, 'now'>
}
export type Rebuilt = { readonly documents: number; readonly chunks: number; readonly computed: number }

const PAGE = 200

/**
 * Builds the index anew from the stored chunks, then lets it serve, then catches up with what changed meanwhile. Until the switch
 * the old index serves whole and alone; from the switch on whoever still writes with the old embedder is refused and tries again.
 * Safe to break off and begin again: vectors that were computed are kept.
 */
export async function rebuildIndex(
  tenantIds: readonly string[],
  doors: RebuildDoors,
  onProgress: (documents: number) => void,
  signal: AbortSignal,
): Promise<Rebuilt> {
  const rebuilt = { documents: 0, chunks: 0, computed: 0 }
  const placed = new Map<string, Map<string, string>>()
  const pass = async (): Promise<void> => {
    for (const tenantId of tenantIds) {
      const versions = placed.get(tenantId) ?? new Map<string, string>()
      placed.set(tenantId, versions)
      const seen = new Set<string>()
      for await (const document of documentsOf(tenantId, doors.documents)) {
        seen.add(document.id)
        if (versions.get(document.id) === document.contentHash) continue
        const { chunks, computed } = await place(document, doors, signal)
        if (chunks === 0) continue
        if (!versions.has(document.id)) onProgress(++rebuilt.documents)
        versions.set(document.id, document.contentHash)
        rebuilt.chunks += chunks
        rebuilt.computed += computed
      }
      for (const gone of [...versions.keys()].filter((id) => !seen.has(id))) {
        await doors.dense.deleteDocument(tenantId, gone, signal)
        await doors.sparse.deleteDocument(tenantId, gone, signal)
        versions.delete(gone)
      }
    }
  }
  await pass()
  await doors.space.switchTo(doors.embedder.id, doors.clock.now())
  await pass()
  for (const tenantId of tenantIds) await doors.knowledge.bump(tenantId)
  return rebuilt
}

async function* documentsOf(tenantId: string, documents: DocumentStore): AsyncGenerator<StoredDocument> {
  for (let after: string | undefined; ; ) {
    const page = await documents.list(tenantId, { after, limit: PAGE })
    yield* page
    if (page.length < PAGE) return
    after = page.at(-1)!.id
  }
}

/** A document whose own run has not come to its chunks yet is left to it: the run writes to this index, too, or is refused. */
async function place(
  { tenantId, id, contentHash }: StoredDocument,
  doors: RebuildDoors,
  signal: AbortSignal,
): Promise<{ chunks: number; computed: number }> {
  signal.throwIfAborted()
  const owner = { tenantId, runId: 'rebuild', step: 'embed', visit: 1 }
  const { items, computed } = await embeddedChunks(tenantId, id, contentHash, doors, signal, owner)
  if (items.length === 0) return { chunks: 0, computed: 0 }
  await doors.dense.replaceDocument(tenantId, id, items, signal)
  await doors.sparse.replaceDocument(
    tenantId,
    id,
    items.map(({ chunk }) => chunk),
    signal,
  )
  return { chunks: items.length, computed }
}
