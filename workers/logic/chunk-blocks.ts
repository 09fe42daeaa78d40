import { countTokens } from '#shared/text/count-tokens.ts'
import { type ChunkSizes, TECHNICAL } from './chunk-sizes.ts'

/** A stretch of a text that belongs together. */
export type Block = {
  readonly kind: 'heading' | 'body'
  readonly start: number
  readonly end: number
  /** Headings from the top down to this block. */
  readonly section: readonly string[]
  /** Offsets at which it may be cut when it is too long. */
  readonly seams: readonly number[]
}
export type Stretch = {
  readonly start: number
  readonly end: number
  readonly section: readonly string[]
  readonly tokens: number
}

/** A run of one character counts as few tokens, yet a chunk must stay readable: sixteen characters count as one token at least. */
export const sizeOf = (stretch: string): number => Math.max(countTokens(stretch), Math.ceil(stretch.length / 16))

/**
 * Packs blocks into stretches: a heading opens a new one unless the one before is still small, and blocks stay whole unless
 * one alone is longer than `max`. The heading that opens a stretch is in `section`, not in its text.
 */
export function packBlocks(text: string, blocks: readonly Block[], sizes: ChunkSizes = TECHNICAL): Stretch[] {
  const packed: Stretch[] = []
  let open: Stretch | undefined
  let afterHeading = false
  for (const block of blocks) {
    if (block.kind === 'heading') {
      afterHeading = true
      continue
    }
    for (const piece of piecesOf(text, block, sizes.max)) {
      const limit = afterHeading ? Math.min(sizes.small * 2, sizes.target) : sizes.target
      const fits = open !== undefined && open.tokens + piece.tokens <= limit && (!afterHeading || open.tokens < sizes.small)
      if (open && fits) open = { ...open, end: piece.end, tokens: open.tokens + piece.tokens }
      else {
        if (open) packed.push(open)
        open = piece
      }
      afterHeading = false
    }
  }
  if (open) packed.push(open)
  return packed.map((piece) => ({ ...piece, tokens: countTokens(text.slice(piece.start, piece.end)) }))
}

function piecesOf(text: string, block: Block, max: number): Stretch[] {
  const whole = pieceOf(text, block, block.start, block.end)
  if (whole.tokens <= max) return [whole]
  return cutBlock(text, block, max)
}

const pieceOf = (text: string, { section }: Block, start: number, end: number): Stretch => ({
  start,
  end,
  section,
  tokens: sizeOf(text.slice(start, end)),
})

/** Cuts at the block's own seams where that is enough, else at line ends, else at sentence ends, else anywhere between two characters. */
export function cutBlock(text: string, block: Block, max: number): Stretch[] {
  const pieces: Stretch[] = []
  for (const [start, end] of spans(block.start, block.end, finest(text, block, max))) {
    const piece = pieceOf(text, block, start, end)
    const last = pieces.at(-1)
    // Two stretches together may be more tokens than both apart, so the whole is counted.
    const joined = last && last.tokens + piece.tokens <= max ? pieceOf(text, block, last.start, piece.end) : undefined
    if (joined && joined.tokens <= max) pieces[pieces.length - 1] = joined
    else pieces.push(piece)
  }
  return pieces.map((piece) => trimmed(text, piece)).filter((piece) => piece.end > piece.start)
}

/** No piece between two of these offsets is longer than `max` tokens. */
function finest(text: string, block: Block, max: number): number[] {
  const levels = [
    (from: number, to: number) => block.seams.filter((seam) => seam > from && seam < to),
    (from: number, to: number) => matchEnds(text, from, to, /\n/g),
    (from: number, to: number) => matchEnds(text, from, to, /[.!?。！？]["')\]]?\s/g),
    (from: number, to: number) => evenly(text, from, to, max),
  ]
  let spansNow: [number, number][] = [[block.start, block.end]]
  for (const seams of levels) {
    spansNow = spansNow.flatMap(([from, to]): [number, number][] =>
      tooLong(text, from, to, max) ? spans(from, to, seams(from, to)) : [[from, to]],
    )
  }
  return spansNow.slice(1).map(([from]) => from)
}

/** A token is at least one UTF-16 unit long, so that short stretches need no counting. */
const tooLong = (text: string, from: number, to: number, max: number) => to - from > max && sizeOf(text.slice(from, to)) > max

function spans(from: number, to: number, seams: readonly number[]): [number, number][] {
  const edges = [from, ...seams, to]
  return edges.slice(1).map((edge, i): [number, number] => [edges[i]!, edge])
}

function matchEnds(text: string, from: number, to: number, pattern: RegExp): number[] {
  return [...text.slice(from, to).matchAll(pattern)]
    .map((match) => from + match.index + match[0].length)
    .filter((end) => end < to)
}

/** A quarter of `max` characters can hardly be more than `max` tokens: no token table needs over four per character. */
function evenly(text: string, from: number, to: number, max: number): number[] {
  const ends: number[] = []
  const stride = Math.max(1, Math.floor(max / 4))
  for (let at = from + stride; at < to; at += stride) {
    const inPair = (text.charCodeAt(at) & 0xfc00) === 0xdc00
    ends.push(inPair ? at + 1 : at)
  }
  return ends.filter((end) => end < to)
}

function trimmed(text: string, piece: Stretch): Stretch {
  const raw = text.slice(piece.start, piece.end)
  return { ...piece, start: piece.start + raw.length - raw.trimStart().length, end: piece.start + raw.trimEnd().length }
}
