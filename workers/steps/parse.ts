import { currentDocument, rejected, superseded } from '#workers/logic/current-document.ts'
import { textOf } from '#workers/logic/document-text.ts'
import type { Step } from '#workers/step.ts'

/** Makes text of a document. Its stored form stays as it was sent; what was extracted is kept beside it. */
export const parse: Step<'index-document', 'parse', 'documents' | 'extractor'> = async (
  { document },
  { documents, extractor },
  { tenant, signal },
) => {
  const current = await currentDocument(documents, tenant.id, document)
  if (!current) return superseded()
  await documents.markState(tenant.id, document.documentId, document.contentHash, { state: 'indexing' })
  const original = await documents.originalOf(tenant.id, document.documentId, document.contentHash)
  const parsed = await textOf(current, original, extractor, signal)
  if ('code' in parsed) return rejected(documents, tenant.id, document, parsed)
  if (parsed.text.trim() === '') {
    return rejected(documents, tenant.id, document, { code: 'document-empty', reason: 'there is no text in the document' })
  }
  await documents.saveParsed(tenant.id, document.documentId, document.contentHash, parsed)
  const pages = parsed.pageStarts === undefined ? {} : { pages: parsed.pageStarts.length }
  return { outcome: 'parsed', facts: { parsed: { characters: parsed.text.length, ...pages } } }
}
