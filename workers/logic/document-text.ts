import type { SourceDocument } from '#shared/domain/document.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { TextExtractor } from '#shared/ports/text-extractor.ts'
import { parseExtracted, parseText } from './parse-markdown.ts'

const TEXT_TYPES = new Set(['text/markdown', 'text/plain'])

type Unfit = { readonly code: string; readonly reason: string }

/** The text of a document in whatever format it came, or why there is none. */
export async function textOf(
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
