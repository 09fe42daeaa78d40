/** A run of text as pdf.js reports it. */
export type PdfItem = { readonly str: string; readonly transform: readonly number[]; readonly hasEOL: boolean }
export type PdfLine = { readonly text: string; readonly size: number; readonly y: number }

/** Lines of a page, in the order of its content stream. */
export function linesOf(items: readonly PdfItem[]): PdfLine[] {
  const lines: PdfLine[] = []
  let text = ''
  let size = 0
  let y = 0
  const end = () => {
    const trimmed = text.replace(/\s+/g, ' ').trim()
    if (trimmed !== '') lines.push({ text: trimmed, size, y })
    text = ''
    size = 0
  }
  for (const { str, transform, hasEOL } of items) {
    const height = Math.hypot(transform[2] ?? 0, transform[3] ?? 0)
    if (str.trim() !== '') {
      if (size === 0) y = transform[5] ?? 0
      size = Math.max(size, Math.round(height * 2) / 2)
    }
    text += str
    if (hasEOL) end()
  }
  end()
  return lines
}

/** The size of most of the text. */
export function bodySize(pages: readonly (readonly PdfLine[])[]): number {
  const characters = new Map<number, number>()
  for (const { size, text } of pages.flat()) characters.set(size, (characters.get(size) ?? 0) + text.length)
  return [...characters].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? 0
}

const MIN_PAGES = 4
const SHARE = 0.6

/** Page numbers and running titles: first and last lines that most pages share, digits aside. They would part every sentence that crosses a page. */
export function withoutRunningLines(pages: readonly PdfLine[][]): PdfLine[][] {
  if (pages.length < MIN_PAGES) return [...pages]
  const shape = ({ text }: PdfLine) => text.replace(/\d+/g, '#')
  const seen = new Map<string, number>()
  const edges = (page: readonly PdfLine[]) =>
    new Set([page[0], page[1], page.at(-1), page.at(-2)].filter((line) => line !== undefined))
  for (const page of pages) for (const key of new Set([...edges(page)].map(shape))) seen.set(key, (seen.get(key) ?? 0) + 1)
  return pages.map((page) => {
    const outer = edges(page)
    return page.filter((line) => !outer.has(line) || (seen.get(shape(line)) ?? 0) < pages.length * SHARE)
  })
}

const LIST_ITEM = /^(?:[•◦▪‣–*-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s/
const HEADING_RATIO = 1.15
const MAX_HEADING_CHARACTERS = 160

/** Lines as paragraphs: larger type is a heading, a wide gap or a list item begins anew, a hyphen at the end of a line is taken back. */
export function pageText(lines: readonly PdfLine[], body: number): { text: string; headings: number } {
  const blocks: string[] = []
  let headings = 0
  let before: PdfLine | undefined
  for (const line of lines) {
    const isHeading = body > 0 && line.size >= body * HEADING_RATIO && line.text.length <= MAX_HEADING_CHARACTERS
    const gap = before === undefined ? 0 : before.y - line.y
    const joins = before !== undefined && before.size === line.size && gap >= 0 && gap <= line.size * 1.7
    if (isHeading && joins && blocks.length > 0) blocks[blocks.length - 1] += ` ${line.text}`
    else if (isHeading) {
      headings++
      blocks.push(`${line.size >= body * 1.6 ? '#' : '##'} ${line.text}`)
    } else if (!joins || blocks.length === 0) blocks.push(line.text)
    else if (LIST_ITEM.test(line.text)) blocks[blocks.length - 1] += `\n${line.text}`
    else blocks[blocks.length - 1] = joined(blocks.at(-1)!, line.text)
    before = line
  }
  return { text: blocks.join('\n\n'), headings }
}

const joined = (above: string, below: string): string =>
  /\p{Ll}-$/u.test(above) && /^\p{Ll}/u.test(below) ? above.slice(0, -1) + below : `${above} ${below}`
