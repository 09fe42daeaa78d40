import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmTableFromMarkdown } from 'mdast-util-gfm-table'
import { gfmTable } from 'micromark-extension-gfm-table'
import type { Block } from './chunk-blocks.ts'
import { definitionStarts } from './chunk-code.ts'

type Node = ReturnType<typeof fromMarkdown>['children'][number]

/** Inside a paragraph nothing matters to chunking, and the inline rules are where hostile Markdown hurts: they are switched off. */
const BLOCKS_ONLY = {
  disable: {
    null: [
      'attention',
      'autolink',
      'characterEscape',
      'characterReference',
      'codeText',
      'hardBreakEscape',
      'htmlText',
      'labelEnd',
      'labelStartImage',
      'labelStartLink',
    ],
  },
}
const MAX_DEPTH = 6

/** The blocks of a Markdown text in order, each with the headings above it; offsets are UTF-16 offsets into `text`. */
export function markdownBlocks(text: string): Block[] {
  const root = fromMarkdown(text, { extensions: [gfmTable(), BLOCKS_ONLY], mdastExtensions: [gfmTableFromMarkdown()] })
  const blocks: Block[] = []
  const headings: { depth: number; text: string }[] = []
  for (const node of root.children) {
    const [start, end] = [node.position!.start.offset!, node.position!.end.offset!]
    if (node.type === 'heading') {
      while (headings.length > 0 && headings.at(-1)!.depth >= node.depth) headings.pop()
      headings.push({ depth: Math.min(node.depth, MAX_DEPTH), text: headingText(text.slice(start, end)) })
      blocks.push({ kind: 'heading', start, end, section: headings.map((heading) => heading.text), seams: [] })
    } else if (node.type !== 'definition' && node.type !== 'thematicBreak') {
      blocks.push({ kind: 'body', start, end, section: headings.map((heading) => heading.text), seams: seamsOf(text, node) })
    }
  }
  return blocks
}

/** The paragraphs of a plain text, parted by blank lines. */
export function plainBlocks(text: string): Block[] {
  const blocks: Block[] = []
  let start = 0
  for (const blank of text.matchAll(/\n[ \t]*(?=\n)/g)) {
    addParagraph(text, start, blank.index, blocks)
    start = blank.index + blank[0].length
  }
  addParagraph(text, start, text.length, blocks)
  return blocks
}

function addParagraph(text: string, from: number, to: number, blocks: Block[]): void {
  const raw = text.slice(from, to)
  const start = from + raw.length - raw.trimStart().length
  const end = from + raw.trimEnd().length
  if (end > start) blocks.push({ kind: 'body', start, end, section: [], seams: [] })
}

/** Where a block that is too long may be cut with the least harm: between list items, table rows, parts of a program. */
function seamsOf(text: string, node: Node): number[] {
  const [start, end] = [node.position!.start.offset!, node.position!.end.offset!]
  if (node.type === 'code') return definitionStarts(text.slice(start, end)).map((at) => start + at)
  if (node.type !== 'list' && node.type !== 'table' && node.type !== 'blockquote') return []
  return node.children.slice(1).map((child) => child.position!.start.offset!)
}

const headingText = (source: string): string =>
  source
    .split('\n', 1)[0]!
    .replace(/^[ \t]*#{1,6}/, '')
    .replace(/(?<!#)#+[ \t]*$/, '')
    .replace(/[*`]/g, '')
    .trim()
    .slice(0, 300)
