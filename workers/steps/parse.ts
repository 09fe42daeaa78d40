import { currentDocument, rejected, superseded } from '#workers/logic/current-document.ts'
import { parseText } from '#workers/logic/parse-markdown.ts'
import type { Step } from '#workers/step.ts'

/** Makes text of a document. Its stored form stays as it was sent; what was extracted is kept beside it. */
export const parse: Step<'index-document', 'parse', 'documents'> = async ({ document }, { documents }, { tenant }) => {
  const current = await currentDocument(documents, tenant.id, document)
  if (!current) return superseded()
  await documents.markState(tenant.id, document.documentId, document.contentHash, { state: 'indexing' })
  const parsed = tryParse(current)
  if (parsed instanceof TypeError) {
    return rejected(documents, tenant.id, document, { code: 'document-unreadable', reason: parsed.message })
  }
  if (parsed.text.trim() === '') {
    return rejected(documents, tenant.id, document, { code: 'document-empty', reason: 'there is no text in the document' })
  }
  await documents.saveParsed(tenant.id, document.documentId, document.contentHash, parsed)
  return { outcome: 'parsed', facts: { parsed: { title: parsed.title, characters: parsed.text.length } } }
}

function tryParse(document: Parameters<typeof parseText>[0]) {
  try {
    return parseText(document)
  } catch (error) {
    if (error instanceof TypeError) return error
    throw error
  }
}
