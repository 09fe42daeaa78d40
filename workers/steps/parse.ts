import type { SourceDocument } from '#shared/domain/document.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { TextExtractor } from '#shared/ports/text-extractor.ts'
import { currentDocument, rejected, superseded } from '#workers/logic/current-document.ts'
import { parseExtracted, parseText } from '#workers/logic/parse-markdown.ts'
import type { Step } from '#workers/step.ts'

const TEXT_TYPES = new Set(['text/markdown', 'text/plain'])

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

type Unfit = { readonly code: string; readonly reason: string }

async function textOf(
  document: SourceDocument,
  original: Uint8Array | undefined,
  extractor: TextExtractor,
  signal: AbortSignal,
): Promise<ParsedDocument | Unfit> {
  const isText = TEXT_TYPES.has(document.contentType)
  if (original === undefined && isText) return tryParse(document)
  // Text that came as text is UTF-8, whatever a page says of itself: the mark says so first.
  const bytes = original ?? Buffer.from(`\uFEFF${document.text}`)
  const extraction = await extractor.extract(bytes, document.contentType, signal)
  if (extraction.kind === 'rejected') return extraction
  return isText ? tryParse({ ...document, text: extraction.text }) : parseExtracted(document, extraction)
}

function tryParse(document: SourceDocument): ParsedDocument | Unfit {
  try {
    return parseText(document)
  } catch (error) {
    if (error instanceof TypeError) return { code: 'document-unreadable', reason: error.message }
    throw error
  }
}
