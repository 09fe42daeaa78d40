import type { Block } from './chunk-blocks.ts'

/** Beginnings of top-level definitions in the languages that support pages show; indentation decides in all others. */
const DEFINITION =
  /^(?:export\s|import\s|async\s|public\s|private\s|protected\s|internal\s|static\s|abstract\s|final\s|pub[\s(]|def\s|class\s|function[\s*]|func\s|fn\s|type\s|interface\s|struct\s|enum\s|impl[\s<]|trait\s|mod\s|module\s|namespace\s|package\s|const\s|let\s|var\s|template[\s<]|create\s+(?:or\s+replace\s+)?(?:table|view|function|index)\s|resource\s|@\w)/i
const COMMENT = /^(?:\/\/|\/\*|\*|#(?!include|define)|--|;|"""|<!--)/
/** A line at the margin that belongs to what is above it. */
const CLOSING = /^(?:[)\]}]|end\b|else\b|elif\b|except\b|catch\b|finally\b|rescue\b|fi\b|done\b|esac\b|```|~~~)/
const MAX_SIGNATURE = 120

type Line = { readonly start: number; readonly text: string }

function* linesOf(text: string): Generator<Line> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    yield { start, text: text.slice(start, end) }
    start = end + 1
  }
}

/** Offsets at which a top-level part of a program begins, comments above it included; never 0. */
export function definitionStarts(text: string): number[] {
  const starts: number[] = []
  let afterBlank = false
  /** Where comments began that no code has followed yet. */
  let comment: number | undefined
  let attached = false
  for (const line of linesOf(text)) {
    const atMargin = /^\S/.test(line.text)
    if (line.text.trim() === '') {
      afterBlank = true
      comment = undefined
      continue
    }
    if (atMargin && COMMENT.test(line.text)) comment ??= line.start
    else {
      const begins =
        atMargin && !CLOSING.test(line.text) && !attached && (afterBlank || comment !== undefined || DEFINITION.test(line.text))
      const start = comment ?? line.start
      if (begins && start > 0 && start !== starts.at(-1)) starts.push(start)
      // A decorator belongs to what it decorates.
      attached = atMargin && line.text.startsWith('@')
      comment = undefined
    }
    afterBlank = false
  }
  return starts
}

/** The top-level parts of a program, each with its first line of code as its section; methods are where a long one is cut. */
export function codeBlocks(text: string): Block[] {
  const edges = [0, ...definitionStarts(text), text.length]
  return edges.slice(1).flatMap((edge, i): Block[] => {
    const raw = text.slice(edges[i]!, edge)
    const start = edges[i]! + raw.length - raw.trimStart().length
    const end = edges[i]! + raw.trimEnd().length
    if (end <= start) return []
    const signature = signatureOf(text.slice(start, end))
    return [{ kind: 'body', start, end, section: signature === '' ? [] : [signature], seams: memberStarts(text, start, end) }]
  })
}

function signatureOf(part: string): string {
  for (const { text } of linesOf(part))
    if (text.trim() !== '' && !COMMENT.test(text.trim()) && !text.startsWith('@')) return text.trim().slice(0, MAX_SIGNATURE)
  return ''
}

/** Lines after a blank one at the smallest indentation there is inside: methods of a class, steps of a function. */
function memberStarts(text: string, from: number, to: number): number[] {
  const candidates: { at: number; indent: number }[] = []
  let afterBlank = false
  for (const line of linesOf(text.slice(from, to))) {
    const indent = line.text.length - line.text.trimStart().length
    if (line.text.trim() === '') afterBlank = true
    else {
      if (afterBlank && line.start > 0) candidates.push({ at: from + line.start, indent })
      afterBlank = false
    }
  }
  const least = Math.min(...candidates.slice(0, 10_000).map(({ indent }) => indent))
  return candidates.filter(({ indent }) => indent <= least).map(({ at }) => at)
}
