const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
export type KnownType = 'text/markdown' | 'text/plain' | 'text/html' | 'application/pdf' | typeof DOCX
/** What content looks like; `text` is text of no particular form. */
export type Look = 'application/pdf' | typeof DOCX | 'text/html' | 'text' | 'zip' | 'office-binary' | 'binary'

const HEAD_BYTES = 4_096
const ZIP = [0x50, 0x4b, 0x03, 0x04]
const EMPTY_ZIP = [0x50, 0x4b, 0x05, 0x06]
/** Compound file: old Office formats, and new ones under a password. */
const COMPOUND = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]
const MAGIC: readonly (readonly number[])[] = [
  [0x89, 0x50, 0x4e, 0x47],
  [0xff, 0xd8, 0xff],
  [0x47, 0x49, 0x46, 0x38],
  [0x1f, 0x8b],
  [0x7f, 0x45, 0x4c, 0x46],
  [0x52, 0x61, 0x72, 0x21],
  [0x37, 0x7a, 0xbc, 0xaf],
]

/** What bytes are, by their own first signs (magic numbers; WHATWG MIME Sniffing for HTML), whatever anybody calls them. */
export function lookOf(bytes: Uint8Array): Look {
  const begins = (magic: readonly number[]) => magic.every((byte, at) => bytes[at] === byte)
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, HEAD_BYTES))
  // Readers look for it in the first kilobyte (ISO 32000, annex H): mail gateways and scanners write lines of their own above it.
  const pdf = head.subarray(0, 1_024).indexOf('%PDF-')
  if (pdf === 0) return 'application/pdf'
  if (begins(ZIP) || begins(EMPTY_ZIP)) {
    const names = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return names.includes('word/document') ? DOCX : 'zip'
  }
  if (begins(COMPOUND)) return 'office-binary'
  if (MAGIC.some(begins)) return 'binary'
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  if (!utf16 && head.includes(0)) return pdf > 0 ? 'application/pdf' : 'binary'
  const text = utf16 ? head.toString('utf16le') : head.toString('utf8')
  if (looksLikeHtml(text)) return 'text/html'
  return pdf > 0 && head.indexOf('obj') > pdf ? 'application/pdf' : 'text'
}

/** A whole page, not Markdown with a tag in it. */
export const looksLikeHtml = (text: string): boolean =>
  /^\s{0,500}(?:<\?xml[^>]{0,200}>\s{0,100})?(?:<!--[^>]{0,1000}-->\s{0,100})?<(?:!doctype html|html[\s>]|head[\s>]|body[\s>])/i.test(
    text.replace(/^\uFEFF/, '').slice(0, HEAD_BYTES),
  )

const BY_EXTENSION: Readonly<Record<string, KnownType>> = {
  md: 'text/markdown',
  markdown: 'text/markdown',
  txt: 'text/plain',
  html: 'text/html',
  htm: 'text/html',
  pdf: 'application/pdf',
  docx: DOCX,
}
export const typeOfFileName = (name: string): KnownType | undefined =>
  BY_EXTENSION[/\.([A-Za-z]{2,8})$/.exec(name)?.[1]?.toLowerCase() ?? '']

export type Settled = { readonly type: KnownType } | { readonly code: TypeProblem; readonly reason: string }
export type TypeProblem = 'document-type-mismatch' | 'document-type-unsupported' | 'document-encrypted'

/**
 * The type under which content is read: what it looks like, narrowed by what its producer says. Saying something else than it
 * looks like is an error: reading it as either would index rubbish.
 * @param declared by the producer, or by the name of its file
 */
export function settleType(look: Look, declared: KnownType | undefined): Settled {
  if (look === 'office-binary') {
    return declared === DOCX
      ? { code: 'document-encrypted', reason: 'the document is protected by a password, or in the format of before 2007' }
      : unsupported('an Office format of before 2007, or a protected file')
  }
  if (look === 'zip')
    return declared === DOCX ? mismatch(declared, 'a ZIP archive without a Word document') : unsupported('a ZIP archive')
  if (look === 'binary') return declared === undefined ? unsupported('no text') : mismatch(declared, 'binary data')
  if (look === 'text') {
    if (declared === 'application/pdf' || declared === DOCX) return mismatch(declared, 'plain text')
    return { type: declared ?? 'text/markdown' }
  }
  if (declared === undefined || declared === look) return { type: look }
  // A page of HTML may be an article about HTML.
  if (look === 'text/html' && declared === 'text/plain') return { type: declared }
  return mismatch(declared, look)
}

const unsupported = (what: string): Settled => ({
  code: 'document-type-unsupported',
  reason: `this is ${what}; Markdown, HTML, PDF, DOCX and plain text are read`,
})
const mismatch = (declared: string, look: string): Settled => ({
  code: 'document-type-mismatch',
  reason: `the content is called ${declared} but is ${look}`,
})
