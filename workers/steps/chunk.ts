import type { Chunk } from '#shared/domain/document.ts'
import { chunkWith } from '#workers/logic/chunk-document.ts'
import { settleChunking } from '#workers/logic/chunk-sizes.ts'
import { currentDocument, rejected, superseded } from '#workers/logic/current-document.ts'
import { screenDocument } from '#workers/logic/guard-document.ts'
import { inSlices, type Sliced } from '#workers/logic/in-slices.ts'
import type { Step } from '#workers/step.ts'

/** Splits a parsed document as it, its tenant or the default says. */
export const chunk: Step<'index-document', 'chunk', 'documents' | 'embedder'> = async (
  { document },
  { documents, embedder },
  { tenant, signal, call, log },
) => {
  const { documentId, contentHash } = document
  const current = await currentDocument(documents, tenant.id, document)
  if (!current) return superseded()
  const parsed = await documents.parsedOf(tenant.id, documentId, contentHash)
  if (!parsed) return superseded()
  const chunking = settleChunking(current.chunking, tenant.config.knowledge.chunking)
  const embed = (texts: readonly string[]) => embedder.embed(texts, 'document', signal, call)
  const all = await chunkWith(documentId, contentHash, parsed, chunking, embed, signal)
  // What gives orders to whoever reads it is kept out of the index; the document's own text stays as it is.
  const chunks = await inSlices(harmless(all, tenant.config.guard.quarantineChunkAt), signal)
  const quarantined = all.length - chunks.length
  if (quarantined > 0) log.warn({ documentId, quarantined, of: all.length }, 'chunks with hidden instructions were not indexed')
  if (quarantined > 0 && chunks.length === 0) {
    return rejected(documents, tenant.id, document, {
      code: 'document-quarantined',
      reason: 'every part of the document holds instructions to whoever reads it',
    })
  }
  if (chunks.length === 0) {
    return rejected(documents, tenant.id, document, {
      code: 'document-empty',
      reason: 'there is nothing but headings in the document',
    })
  }
  await documents.saveChunks(tenant.id, documentId, contentHash, chunks)
  const tokens = chunks.reduce((sum, each) => sum + each.tokens, 0)
  return { outcome: 'chunked', facts: { chunks: { count: chunks.length, tokens } } }
}

/** Reading for signs of orders takes ten times as long as counting tokens. */
const SCREENING_WEIGHT = 10

function* harmless(chunks: readonly Chunk[], quarantineAt: number): Sliced<Chunk[]> {
  const kept: Chunk[] = []
  for (const chunk of chunks) {
    if (screenDocument(chunk.text).score < quarantineAt) kept.push(chunk)
    yield SCREENING_WEIGHT * chunk.text.length
  }
  return kept
}
