import type { Database } from '#shared/database/client.ts'
import { retryable } from '#shared/domain/failure.ts'
import type { Knowledge } from '#shared/ports/knowledge.ts'
import type { DenseIndex, SparseIndex } from '#shared/ports/search-index.ts'
import { OUT_OF_INDEXES, SOON } from './document-copies.ts'

export type Indexes = {
  readonly dense: DenseIndex
  readonly sparse: SparseIndex
  readonly knowledge: Knowledge
  readonly embedder?: { readonly id: string }
}

const DEADLINE_MS = 10_000

/**
 * Takes a document that is gone out of both search indexes and says so on the list; what fails here is tried again by the sweeper.
 * @throws StepFailure, retryable, while an index is away
 */
export async function removeFromIndexes(
  database: Database,
  { dense, sparse, knowledge, embedder }: Indexes,
  tenantId: string,
  documentId: string,
): Promise<void> {
  try {
    await assertServing(database, embedder?.id)
    const signal = AbortSignal.timeout(DEADLINE_MS)
    await Promise.all([dense.deleteDocument(tenantId, documentId, signal), sparse.deleteDocument(tenantId, documentId, signal)])
    await knowledge.bump(tenantId)
    await database.forTenant(tenantId, OUT_OF_INDEXES, [documentId])
  } catch (error) {
    await database.forTenant(tenantId, SOON, [documentId]).catch(() => {})
    throw error
  }
}

/** A process of before a rebuild cannot reach the index that serves now, so it cannot remove anything from it. */
export async function assertServing(database: Database, embedderId: string | undefined): Promise<void> {
  if (embedderId === undefined) return
  const rows = await database.asSystem('one embedder serves all tenants', 'SELECT embedder_id FROM search_space')
  const serving = rows[0]?.embedder_id
  if (serving !== undefined && serving !== embedderId)
    throw retryable('embedder-changed', `searches are served from the index of "${String(serving)}"; restart this process`)
}
