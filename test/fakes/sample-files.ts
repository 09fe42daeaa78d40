import { deflateRawSync, deflateSync } from 'node:zlib'
import { Document, HeadingLevel, Packer, Paragraph, Table, TableCell, TableRow } from 'docx'
import { PDFDocument, StandardFonts } from 'pdf-lib'

type PdfPage = { readonly heading: string; readonly lines: readonly string[] }

/** A PDF with a heading in larger type and lines of text on each page. */
export async function samplePdf(pages: readonly PdfPage[], title = ''): Promise<Uint8Array> {
  const pdf = await PDFDocument.create()
  const font = await pdf.embedFont(StandardFonts.Helvetica)
  if (title !== '') pdf.setTitle(title)
  for (const { heading, lines } of pages) {
    const page = pdf.addPage([600, 800])
    page.drawText(heading, { x: 50, y: 740, size: 22, font })
    for (const [i, line] of lines.entries()) page.drawText(line, { x: 50, y: 700 - i * 14, size: 11, font })
  }
  return pdf.save()
}

const ONE_PAGE = [
  '1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n',
  '2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n',
]

/** A PDF that asks for a password: its keys fit no password that anybody knows (ISO 32000-1, 7.6.3). */
export function encryptedPdf(): Uint8Array {
  const hex = 'ab'.repeat(32)
  const page = '3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>\nendobj\n'
  const keys = `4 0 obj\n<< /Filter /Standard /V 1 /R 2 /P -44 /O <${hex}> /U <${hex}> >>\nendobj\n`
  return pdfOf([...ONE_PAGE, page, keys], '/Encrypt 4 0 R /ID [<00> <00>]')
}

/** A PDF of some hundred kilobytes whose one page draws text tens of millions of times. */
export function endlessPdf(mebibytes = 200): Uint8Array {
  const drawing = deflateSync(Buffer.alloc(mebibytes * 1_048_576, 'BT /F1 9 Tf (words and words) Tj ET\n'))
  const page =
    '3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 4 0 R /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>\nendobj\n'
  const stream = `4 0 obj\n<< /Length ${drawing.length} /Filter /FlateDecode >>\nstream\n${drawing.toString('latin1')}\nendstream\nendobj\n`
  return pdfOf([...ONE_PAGE, page, stream], '')
}

function pdfOf(objects: readonly string[], trailer: string): Uint8Array {
  let text = '%PDF-1.4\n'
  const offsets = objects.map((object) => {
    const at = text.length
    text += object
    return at
  })
  const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  const startxref = text.length
  text += `xref\n0 5\n0000000000 65535 f \n${table}trailer\n<< /Size 5 /Root 1 0 R ${trailer} >>\nstartxref\n${startxref}\n%%EOF`
  return Buffer.from(text, 'latin1')
}

export async function sampleDocx(): Promise<Uint8Array> {
  const row = (...cells: string[]) =>
    new TableRow({ children: cells.map((cell) => new TableCell({ children: [new Paragraph(cell)] })) })
  const document = new Document({
    sections: [
      {
        children: [
          new Paragraph({ text: 'Returning a hub', heading: HeadingLevel.HEADING_1 }),
          new Paragraph('You may return a hub within thirty days.'),
          new Paragraph({ text: 'Fees', heading: HeadingLevel.HEADING_2 }),
          new Table({ rows: [row('Country', 'Fee'), row('Norway', '5 EUR')] }),
          new Paragraph({ text: 'Pack it well', bullet: { level: 0 } }),
          new Paragraph({ text: 'Send it', bullet: { level: 0 } }),
        ],
      },
    ],
  })
  return Packer.toBuffer(document)
}

/** A ZIP archive with these files, whose directory may lie about their sizes. */
export function zipOf(
  files: readonly { readonly name: string; readonly packed: Buffer; readonly claimedSize: number }[],
): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, packed, claimedSize } of files) {
    const local = Buffer.alloc(30 + name.length)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(20, 4)
    local.writeUInt16LE(8, 8)
    local.writeUInt32LE(packed.length, 18)
    local.writeUInt32LE(claimedSize, 22)
    local.writeUInt16LE(name.length, 26)
    local.write(name, 30, 'latin1')
    const entry = Buffer.alloc(46 + name.length)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(20, 6)
    entry.writeUInt16LE(8, 10)
    entry.writeUInt32LE(packed.length, 20)
    entry.writeUInt32LE(claimedSize, 24)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt32LE(offset, 42)
    entry.write(name, 46, 'latin1')
    parts.push(local, packed)
    directory.push(entry)
    offset += local.length + packed.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, central, end])
}

/** Some kilobytes that unpack to many times what they say. */
export const zipBomb = (mebibytes = 130): Buffer =>
  zipOf([
    { name: '[Content_Types].xml', packed: deflateRawSync(Buffer.from('<Types/>')), claimedSize: 8 },
    { name: 'word/document.xml', packed: deflateRawSync(Buffer.alloc(mebibytes * 1_048_576, 32)), claimedSize: 1_000 },
  ])
