import { countTokens } from '#shared/text/count-tokens.ts'
import { type ChunkSizes, TECHNICAL } from './chunk-sizes.ts'
import type { Sliced } from './in-slices.ts'

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

const MAX_CHARACTERS_PER_TOKEN = 16

/** A run of one character counts as few tokens, yet a chunk must stay readable: sixteen characters count as one token at least. */
export const sizeOf = (stretch: string): number =>
  Math.max(countTokens(stretch), Math.ceil(stretch.length / MAX_CHARACTERS_PER_TOKEN))

/**
 * Packs blocks into stretches: a heading opens a new one unless the one before is still small, and blocks stay whole unless
 * one alone is longer than `max`. The heading that opens a stretch is in `section`, not in its text.
 */
export function* packBlocks(text: string, blocks: readonly Block[], sizes: ChunkSizes = TECHNICAL): Sliced<Stretch[]> {
  const packed: Stretch[] = []
  let open: Stretch | undefined
  let afterHeading = false
  for (const block of blocks) {
    if (block.kind === 'heading') {
      afterHeading = true
      continue
    }
    for (const piece of yield* piecesOf(text, block, sizes.max)) {
      const limit = afterHeading ? Math.min(sizes.small * 2, sizes.target) : sizes.target
      const joins = open !== undefined && open.tokens + piece.tokens <= limit && (!afterHeading || open.tokens < sizes.small)
      if (open && joins) open = { ...open, end: piece.end, tokens: open.tokens + piece.tokens }
      else {
        if (open) packed.push(open)
        open = piece
      }
      afterHeading = false
    }
  }
  if (open) packed.push(open)
  return yield* withTokens(text, packed)
}

/** The stretches with their tokens counted exactly. */
export function* withTokens(text: string, stretches: readonly Stretch[]): Sliced<Stretch[]> {
  const counted: Stretch[] = []
  for (const stretch of stretches) {
    counted.push({ ...stretch, tokens: countTokens(text.slice(stretch.start, stretch.end)) })
    yield stretch.end - stretch.start
  }
  return counted
}

function* piecesOf(text: string, block: Block, max: number): Sliced<Stretch[]> {
  if (!fits(text, block.start, block.end, max)) return yield* cutBlock(text, block, max)
  yield block.end - block.start
  return [pieceOf(text, block, block.start, block.end)]
}

const pieceOf = (text: string, { section }: Block, start: number, end: number): Stretch => ({
  start,
  end,
  section,
  tokens: sizeOf(text.slice(start, end)),
})

/** Cuts at the block's own seams where that is enough, else at line ends, else at sentence ends, else anywhere between two characters. */
export function* cutBlock(text: string, block: Block, max: number): Sliced<Stretch[]> {
  const pieces: Stretch[] = []
  for (const [start, end] of spans(block.start, block.end, yield* finest(text, block, max))) {
    const piece = pieceOf(text, block, start, end)
    const last = pieces.at(-1)
    yield end - (last?.start ?? start)
    // Two stretches together may be more tokens than both apart, so the whole is counted.
    const joined = last && last.tokens + piece.tokens <= max ? pieceOf(text, block, last.start, piece.end) : undefined
    if (joined && joined.tokens <= max) pieces[pieces.length - 1] = joined
    else pieces.push(piece)
  }
  return pieces.map((piece) => trimmed(text, piece)).filter((piece) => piece.end > piece.start)
}

/** No piece between two of these offsets is longer than `max` tokens. */
function* finest(text: string, block: Block, max: number): Sliced<number[]> {
  const levels = [
    (from: number, to: number) => block.seams.filter((seam) => seam > from && seam < to),
    (from: number, to: number) => matchEnds(text, from, to, /\n/g),
    (from: number, to: number) => matchEnds(text, from, to, /[.!?。！？]["')\]]?\s/g),
    (from: number, to: number) => evenly(text, from, to, max),
  ]
  let spansNow: [number, number][] = [[block.start, block.end]]
  for (const seams of levels) {
    const finer: [number, number][] = []
    for (const [from, to] of spansNow) {
      if (fits(text, from, to, max)) finer.push([from, to])
      else for (const span of spans(from, to, seams(from, to))) finer.push(span)
      yield to - from
    }
    spansNow = finer
  }
  return spansNow.slice(1).map(([from]) => from)
}

/** A token is at least one UTF-16 unit long and counts for sixteen at most, so that only what lies between needs counting. */
function fits(text: string, from: number, to: number, max: number): boolean {
  if (to - from <= max) return true
  return to - from <= max * MAX_CHARACTERS_PER_TOKEN && sizeOf(text.slice(from, to)) <= max
}

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
