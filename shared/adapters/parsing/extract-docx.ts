import { inflateRawSync } from 'node:zlib'
import mammoth from 'mammoth'
import type { Extraction } from '#shared/ports/text-extractor.ts'
import { extractHtml } from './extract-html.ts'
import { rejected } from './extraction-limits.ts'

/** Of everything in the archive, inflated: a document of this size would fill a shelf. */
const MAX_INFLATED_BYTES = 120 * 1_048_576
const MAX_ENTRIES = 10_000
const broken = (why: string) => rejected('document-unreadable', `the DOCX file is damaged: ${why}`)

/** Word documents as Markdown: headings, lists, tables and links; no images, comments or tracked deletions. */
export async function extractDocx(bytes: Uint8Array): Promise<Extraction> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const trouble = troubleInside(buffer)
  if (trouble) return trouble
  try {
    const noImages = mammoth.images.imgElement(async () => ({ src: '' }))
    const { value } = await mammoth.convertToHtml({ buffer }, { convertImage: noImages, externalFileAccess: false })
    return extractHtml(`<html><body><main>${value}</main></body></html>`)
  } catch (error) {
    return broken((error as Error).message.slice(0, 200))
  }
}

/**
 * Inflates every entry once, within bounds, before a library inflates them without: sizes in the directory can lie, and entries
 * can share their bytes (Fifield, "A better zip bomb", WOOT 2019), so what is added up is what comes out.
 */
function troubleInside(zip: Buffer): Extraction | undefined {
  const entries = directoryOf(zip)
  if (entries === undefined) return broken('its directory cannot be read')
  if (entries.length > MAX_ENTRIES) return rejected('document-too-large', `the archive holds more than ${MAX_ENTRIES} files`)
  if (entries.some(({ encrypted }) => encrypted)) return rejected('document-encrypted', 'the archive is protected by a password')
  let left = MAX_INFLATED_BYTES
  for (const { method, start, end, name } of entries) {
    if (start > end || end > zip.length) return broken(`"${name.slice(0, 60)}" lies outside of the file`)
    const packed = zip.subarray(start, end)
    if (method === 0) left -= packed.length
    else if (method === 8) {
      const size = inflatedSize(packed, left)
      if (size === 'broken') return broken(`"${name.slice(0, 60)}" cannot be unpacked`)
      left -= size
    } else return broken(`"${name.slice(0, 60)}" is packed in a way that Word does not use`)
    if (left < 0)
      return rejected('document-too-large', `unpacked, the archive is larger than ${MAX_INFLATED_BYTES / 1_048_576} MB`)
  }
  return undefined
}

function inflatedSize(packed: Buffer, left: number): number | 'broken' {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, left + 1) }).length
  } catch (error) {
    return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE' ? left + 1 : 'broken'
  }
}

type Entry = {
  readonly name: string
  readonly method: number
  readonly encrypted: boolean
  readonly start: number
  readonly end: number
}

/** The central directory (APPNOTE.TXT 6.3.10, sections 4.3.12 and 4.3.16). ZIP64 is for archives far beyond our limits. */
function directoryOf(zip: Buffer): Entry[] | undefined {
  const at = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (at < 0 || at + 22 > zip.length) return undefined
  const count = zip.readUInt16LE(at + 10)
  let offset = zip.readUInt32LE(at + 16)
  const entries: Entry[] = []
  for (let i = 0; i < count; i++) {
    if (offset + 46 > zip.length || zip.readUInt32LE(offset) !== 0x02014b50) return undefined
    const nameLength = zip.readUInt16LE(offset + 28)
    const local = zip.readUInt32LE(offset + 42)
    if (local + 30 > zip.length || zip.readUInt32LE(local) !== 0x04034b50) return undefined
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    entries.push({
      name: zip.toString('utf8', offset + 46, offset + 46 + nameLength),
      method: zip.readUInt16LE(offset + 10),
      encrypted: (zip.readUInt16LE(offset + 8) & 1) === 1,
      start,
      end: start + zip.readUInt32LE(offset + 20),
    })
    offset += 46 + nameLength + zip.readUInt16LE(offset + 30) + zip.readUInt16LE(offset + 32)
  }
  return entries
}
