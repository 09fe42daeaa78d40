import type { RejectedText } from '#shared/ports/text-extractor.ts'

const undecodable = (encoding: string): RejectedText => ({
  kind: 'rejected',
  code: 'document-encoding',
  reason: `the text is not valid ${encoding}; send it as UTF-8`,
})

/** UTF-8, or what the byte order mark says. A wrong guess would index mojibake, so nothing is guessed. */
export function decodeText(bytes: Uint8Array): string | RejectedText {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decode(bytes, 'utf-16le')
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decode(bytes, 'utf-16be')
  return decode(bytes, 'utf-8')
}

/** The same, or what the page declares in its first kilobyte (HTML Standard, 4.2.5.4). */
export function decodeHtml(bytes: Uint8Array): string | RejectedText {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1_024)).toString('latin1')
  const declared = /<meta[^>]{0,200}charset\s{0,5}=\s{0,5}["']?([A-Za-z0-9_:-]{2,40})/i.exec(head)?.[1]
  // A byte order mark wins over what the page says of itself.
  const marked = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff) || bytes[0] === 0xef
  return marked || declared === undefined ? decodeText(bytes) : decode(bytes, declared)
}

function decode(bytes: Uint8Array, encoding: string): string | RejectedText {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return undecodable(encoding)
  }
}
