/** A stretch of a text that can be quoted on its own. */
export type TextUnit = {
  readonly kind: 'sentence' | 'item' | 'row' | 'code'
  /** Exactly `text.slice(start, end)`: without a list marker, without the outer bars of a table row. */
  readonly text: string
  readonly start: number
  readonly end: number
  /** The headings above it in this text, from the top. */
  readonly headings: readonly string[]
  /** Units of one paragraph, list or table share this number. */
  readonly block: number
  /** The number in front of an item of a numbered list. */
  readonly ordinal?: number
  /** The cells of a table row with the header of their column (empty where there is none). */
  readonly cells?: readonly { readonly header: string; readonly value: string }[]
}

/** A table row as one can read it without its table: `Plan: Plus; Monthly: $9`. Each header and cell stays as it is written. */
export function readableRow(cells: readonly { readonly header: string; readonly value: string }[]): string {
  const [first, ...rest] = cells.filter(({ value }) => value !== '')
  if (first === undefined) return ''
  const named = rest.map(({ header, value }) => (header === '' ? value : `${header}: ${value}`)).join('; ')
  if (first.header !== '') return named === '' ? `${first.header}: ${first.value}` : `${first.header}: ${first.value}; ${named}`
  return named === '' ? first.value : `${first.value} – ${named}`
}

type Span = { start: number; end: number }

/** Longer units are cut at a space: whatever quotes a unit must stay readable, however the text was written. */
const MAX_UNIT_CHARACTERS = 600
/** A line that is shorter than this and ends without punctuation was broken on purpose, not wrapped. */
const WRAPPED_LINE_CHARACTERS = 50

const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/
const FENCE = /^ {0,3}(?:```|~~~)/
const RULE = /^[ \t]*[-=*_][-=*_ \t]*$/
const MARKER = /^[ \t>]{0,16}(?:[-*+•‣◦]|\(?(\d{1,3})[.)])[ \t]+/
const QUOTE_PREFIX = /^[ \t>]{0,16}/

/**
 * Splits Markdown or plain text into quotable units with exact offsets: sentences of prose, list items, table rows (with their
 * header cells), fenced code blocks. Headings are not units; they are given with the units below them. Linear in the text.
 */
export function splitSentences(text: string): TextUnit[] {
  const lines = linesOf(text)
  const units: TextUnit[] = []
  const headings: string[] = []
  let block = 0
  const add = (kind: TextUnit['kind'], span: Span, more: Partial<TextUnit> = {}) => {
    const { start, end } = trimmed(text, span)
    if (end > start)
      units.push({ kind, text: text.slice(start, end), start, end, headings: headings.filter(Boolean), block, ...more })
  }

  let at = 0
  while (at < lines.length) {
    const line = lines[at]!
    const heading = HEADING.exec(line.text)
    block += 1
    if (heading) {
      headings.length = Math.min(headings.length, heading[1]!.length - 1)
      headings[heading[1]!.length - 1] = withoutClosingMarks(heading[2]!)
      for (let i = 0; i < headings.length; i++) headings[i] ??= ''
      at += 1
    } else if (FENCE.test(line.text)) {
      const last = closingFence(lines, at)
      add('code', { start: line.start, end: lines[last]!.end })
      at = last + 1
    } else if (isTableRow(line.text) || isDelimiterRow(lines[at + 1]?.text ?? '')) {
      at = addTable(text, lines, at, add)
    } else if (line.text.trim() === '' || RULE.test(line.text)) {
      at += 1
    } else if (MARKER.test(line.text)) {
      at = addList(text, lines, at, add)
    } else {
      const last = lastProseLine(lines, at)
      const start = line.start + QUOTE_PREFIX.exec(line.text)![0].length
      for (const span of sentenceSpans(text, start, lines[last]!.end)) add('sentence', span)
      at = last + 1
    }
  }
  return units
}

function withoutClosingMarks(heading: string): string {
  let end = heading.length
  while (end > 0 && /[#\s]/.test(heading[end - 1]!)) end -= 1
  return heading.slice(0, end).trim()
}

type Line = Span & { text: string }
type Add = (kind: TextUnit['kind'], span: Span, more?: Partial<TextUnit>) => void

function linesOf(text: string): Line[] {
  const lines: Line[] = []
  let start = 0
  while (start <= text.length) {
    const next = text.indexOf('\n', start)
    const end = next === -1 ? text.length : next
    lines.push({ start, end, text: text.slice(start, end) })
    start = end + 1
  }
  return lines
}

function closingFence(lines: readonly Line[], opening: number): number {
  for (let i = opening + 1; i < lines.length; i++) if (FENCE.test(lines[i]!.text)) return i
  return lines.length - 1
}

const isDelimiterRow = (line: string): boolean => /^[|:\- \t]+$/.test(line) && line.includes('-') && line.includes('|')

const isTableRow = (line: string): boolean => {
  const bare = line.trim()
  return bare.length > 2 && bare.startsWith('|') && bare.endsWith('|')
}

function addTable(text: string, lines: readonly Line[], first: number, add: Add): number {
  const hasHeader = isDelimiterRow(lines[first + 1]?.text ?? '')
  const header = hasHeader ? cellsOf(lines[first]!.text) : []
  let at = hasHeader ? first + 2 : first
  for (; at < lines.length && lines[at]!.text.includes('|') && lines[at]!.text.trim() !== ''; at++) {
    if (isDelimiterRow(lines[at]!.text)) continue
    const span = trimmed(text, lines[at]!)
    const start = text[span.start] === '|' ? span.start + 1 : span.start
    const end = text[span.end - 1] === '|' && span.end - 1 > start ? span.end - 1 : span.end
    const cells = cellsOf(lines[at]!.text).map((value, column) => ({ header: header[column] ?? '', value }))
    add('row', { start, end }, { cells })
  }
  return at
}

/** The cells of `| a | b |`; a bar behind a backslash belongs to its cell. */
function cellsOf(row: string): string[] {
  const bare = row.trim()
  const inner = bare.slice(bare.startsWith('|') ? 1 : 0, bare.length > 1 && bare.endsWith('|') ? -1 : undefined)
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
}

function addList(text: string, lines: readonly Line[], first: number, add: Add): number {
  let at = first
  while (at < lines.length) {
    const marker = MARKER.exec(lines[at]!.text)
    if (!marker) break
    let last = at
    while (last + 1 < lines.length && isContinuation(lines[last + 1]!.text)) last += 1
    const ordinal = marker[1] === undefined ? {} : { ordinal: Number(marker[1]) }
    const span = { start: lines[at]!.start + marker[0].length, end: lines[last]!.end }
    for (const piece of bounded(text, span)) add('item', piece, ordinal)
    at = last + 1
    // One blank line between two items does not end the list.
    if (lines[at]?.text.trim() === '' && MARKER.test(lines[at + 1]?.text ?? '')) at += 1
  }
  return at
}

const isContinuation = (line: string): boolean =>
  /^(?: {2}|\t)/.test(line) && line.trim() !== '' && !MARKER.test(line) && !isTableRow(line) && !FENCE.test(line)

function lastProseLine(lines: readonly Line[], first: number): number {
  let at = first
  while (at + 1 < lines.length) {
    const next = lines[at + 1]!.text
    if (next.trim() === '' || HEADING.test(next) || FENCE.test(next) || MARKER.test(next) || RULE.test(next) || isTableRow(next))
      break
    if (isDelimiterRow(lines[at + 2]?.text ?? '')) break
    at += 1
  }
  return at
}

const STOPS = '.!?…'
const WIDE_STOPS = '。！？｡'
const CLOSERS = '"\'”’)]»*_`'

/** The sentences of one paragraph. */
export function* sentenceSpans(text: string, from: number, to: number): Generator<Span> {
  let start = from
  for (let i = from; i < to; i++) {
    const character = text[i]!
    // Most characters are letters and spaces, and end nothing.
    if (character === ' ' || (character >= 'a' && character <= 'z')) continue
    let end = -1
    if (WIDE_STOPS.includes(character)) end = i + 1
    else if (character === '\n' && endsAtLineBreak(text, start, i, to)) end = i
    else if (character === '.' && isInlineNumber(text, start, i)) {
      // "Follow these steps: 1. Open …": the number belongs to what comes behind it.
      end = text.lastIndexOf(' ', i) + 1
    } else if (STOPS.includes(character)) {
      let behind = i + 1
      while (behind < to && (STOPS.includes(text[behind]!) || CLOSERS.includes(text[behind]!))) behind += 1
      const apart = behind >= to || /\s/.test(text[behind]!)
      if (apart && (character !== '.' || text[i + 1] === '.' || endsSentence(text, start, i, behind, to))) end = behind
      else i = behind - 1
    }
    if (end === -1) continue
    yield* bounded(text, { start, end })
    start = end
    i = Math.max(i, end - 1)
  }
  yield* bounded(text, { start, end: to })
}

/** Whether the full stop at `dot` stands behind a list number in the middle of a paragraph, as in `steps: 1. Open the app. 2. Close it.` */
function isInlineNumber(text: string, start: number, dot: number): boolean {
  const found = /[.:;!?] (\d{1,2})$/.exec(text.slice(Math.max(start, dot - 4), dot))
  return found !== null && text[dot + 1] === ' '
}

/** In prose a line break is a space, unless the line is short and the next one starts anew (addresses, signatures, bare lists). */
function endsAtLineBreak(text: string, start: number, at: number, to: number): boolean {
  const lineStart = Math.max(start, text.lastIndexOf('\n', at - 1) + 1)
  let next = at + 1
  while (next < to && /[ \t>*_"'“(]/.test(text[next]!)) next += 1
  if (text[at - 1] === ':') return true
  return at - lineStart < WRAPPED_LINE_CHARACTERS && next < to && /[\p{Lu}\p{N}]/u.test(text[next]!)
}

const NEVER_LAST = new Set(
  'mr mrs ms dr prof st sr jr vs e.g i.e eg ie cf approx incl fig figs eq al resp z.b bzw ca nr'.split(' '),
)
const BEFORE_NUMBER = new Set('no nos art sec vol ch p pp jan feb mar apr jun jul aug sep sept oct nov dec'.split(' '))

/** Whether the full stop at `dot` ends a sentence rather than an abbreviation, an initial or a list number. */
function endsSentence(text: string, start: number, dot: number, behind: number, to: number): boolean {
  let wordStart = dot
  while (wordStart > start && dot - wordStart < 14 && /[\p{L}\p{N}.]/u.test(text[wordStart - 1]!)) wordStart -= 1
  const word = text.slice(wordStart, dot)
  const lower = word.toLowerCase()
  let next = behind
  while (next < to && /[\s"'“‘([*_`«]/.test(text[next]!)) next += 1
  if (next >= to) return true
  if (NEVER_LAST.has(lower)) return false
  if (/^\p{Lu}$/u.test(word) || (/^\d{1,3}$/.test(word) && text.slice(start, wordStart).trim() === '')) return false
  if (/\p{N}/u.test(text[next]!) && BEFORE_NUMBER.has(lower)) return false
  return !/\p{Ll}/u.test(text[next]!)
}

function* bounded(text: string, span: Span): Generator<Span> {
  let { start } = trimmed(text, span)
  while (span.end - start > MAX_UNIT_CHARACTERS) {
    const space = text.lastIndexOf(' ', start + MAX_UNIT_CHARACTERS)
    let cut = space > start + MAX_UNIT_CHARACTERS / 2 ? space : start + MAX_UNIT_CHARACTERS
    if (/[\uDC00-\uDFFF]/.test(text[cut]!)) cut -= 1
    yield { start, end: cut }
    start = cut
  }
  if (span.end > start) yield { start, end: span.end }
}

function trimmed(text: string, { start, end }: Span): Span {
  let from = start
  let to = end
  while (from < to && /\s/.test(text[from]!)) from += 1
  while (to > from && /\s/.test(text[to - 1]!)) to -= 1
  return { start: from, end: to }
}
