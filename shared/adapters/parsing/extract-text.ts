import type { Extraction } from '#shared/ports/text-extractor.ts'
import { MAX_CHARACTERS, rejected, sound, tooLarge } from './extraction-limits.ts'

/**
 * Text of a document's bytes. What hostile bytes do to the libraries below (endless loops, gigabytes) is for the caller to bound:
 * this runs in a process of its own. The libraries are loaded when their format first comes.
 */
export async function extractText(bytes: Uint8Array, type: string): Promise<Extraction> {
  const extraction = await extractAs(bytes, type)
  if (extraction.kind === 'text' && extraction.text.length > MAX_CHARACTERS) return tooLarge()
  return extraction
}

async function extractAs(bytes: Uint8Array, type: string): Promise<Extraction> {
  switch (type) {
    case 'text/markdown':
    case 'text/plain': {
      const { decodeText } = await import('./decode-text.ts')
      const text = decodeText(bytes)
      if (typeof text !== 'string') return text
      return { kind: 'text', text: sound(text), structure: type === 'text/markdown' ? 'markdown' : 'plain' }
    }
    case 'text/html': {
      const [{ decodeHtml }, { extractHtml }] = await Promise.all([import('./decode-text.ts'), import('./extract-html.ts')])
      const html = decodeHtml(bytes)
      return typeof html === 'string' ? extractHtml(html) : html
    }
    case 'application/pdf':
      return (await import('./extract-pdf.ts')).extractPdf(bytes)
    case 'application/vnd.openxmlformats-officedocument.wordprocessingml.document':
      return (await import('./extract-docx.ts')).extractDocx(bytes)
    default:
      return rejected('document-type-unsupported', `documents of the type ${type} are not read`)
  }
}
