import { chunkDocument } from '#workers/logic/chunk-document.ts'
import { currentDocument, rejected, superseded } from '#workers/logic/current-document.ts'
import type { Step } from '#workers/step.ts'

/** Splits a parsed document along its structure. */
export const chunk: Step<'index-document', 'chunk', 'documents'> = async ({ document }, { documents }, { tenant }) => {
  const { documentId, contentHash } = document
  if (!(await currentDocument(documents, tenant.id, document))) return superseded()
  const parsed = await documents.parsedOf(tenant.id, documentId, contentHash)
  if (!parsed) return superseded()
  const chunks = chunkDocument(documentId, contentHash, parsed)
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
