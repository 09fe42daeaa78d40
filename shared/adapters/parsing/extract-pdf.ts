import { getDocumentProxy } from 'unpdf'
import type { ExtractedText, Extraction } from '#shared/ports/text-extractor.ts'
import { MAX_CHARACTERS, rejected, sound, tooLarge } from './extraction-limits.ts'
import { bodySize, linesOf, type PdfItem, type PdfLine, pageText, withoutRunningLines } from './pdf-lines.ts'

const MAX_PAGES = 5_000

/** The text layer of a PDF as Markdown (headings by the size of their type), with where each page begins. No OCR. */
export async function extractPdf(bytes: Uint8Array): Promise<Extraction> {
  let pdf: Awaited<ReturnType<typeof getDocumentProxy>>
  try {
    // Copied, because pdf.js takes the bytes away from their owner.
    pdf = await getDocumentProxy(Uint8Array.from(bytes), { verbosity: 0, useSystemFonts: false })
  } catch (error) {
    const { name, message } = error as Error
    if (name === 'PasswordException') return rejected('document-encrypted', 'the PDF is protected by a password')
    return rejected('document-unreadable', `the PDF is damaged: ${message.slice(0, 200)}`)
  }
  if (pdf.numPages > MAX_PAGES) return rejected('document-too-large', `the PDF has more than ${MAX_PAGES} pages`)
  const pages: PdfLine[][] = []
  let characters = 0
  try {
    for (let number = 1; number <= pdf.numPages; number++) {
      const page = await pdf.getPage(number)
      const { items } = await page.getTextContent()
      const lines = linesOf(items.filter((item) => 'str' in item) as unknown as PdfItem[])
      page.cleanup()
      for (const { text } of lines) characters += text.length
      if (characters > MAX_CHARACTERS) return tooLarge()
      pages.push(lines)
    }
  } catch (error) {
    return rejected(
      'document-unreadable',
      `page ${pages.length + 1} of the PDF is damaged: ${(error as Error).message.slice(0, 200)}`,
    )
  }
  if (characters === 0)
    return rejected('document-empty', 'the PDF holds no text; scanned pages need text recognition (OCR) first')
  return { ...assembled(withoutRunningLines(pages)), title: await titleOf(pdf) }
}

function assembled(pages: readonly PdfLine[][]): ExtractedText {
  const body = bodySize(pages)
  const parts = pages.map((lines) => pageText(lines, body))
  const pageStarts: number[] = []
  let text = ''
  for (const part of parts) {
    if (text !== '' && part.text !== '') text += '\n\n'
    pageStarts.push(text.length)
    text += sound(part.text)
  }
  const structure = parts.some(({ headings }) => headings > 0) ? 'markdown' : 'plain'
  return { kind: 'text', text, structure, pageStarts }
}

/** What programs write there by themselves is no title. */
const NO_TITLE = /^(?:untitled|microsoft word\b.*|.*\.(?:docx?|pdf|indd|tex))$/i

async function titleOf(pdf: Awaited<ReturnType<typeof getDocumentProxy>>): Promise<string | undefined> {
  const { info } = await pdf.getMetadata().catch(() => ({ info: {} }))
  const title = sound(String((info as { Title?: unknown }).Title ?? ''))
    .replace(/\s+/g, ' ')
    .trim()
  return title === '' || NO_TITLE.test(title) ? undefined : title.slice(0, 300)
}
