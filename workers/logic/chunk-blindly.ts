import { type Block, cutBlock, type Stretch, sizeOf, withTokens } from './chunk-blocks.ts'
import type { Sliced } from './in-slices.ts'

/** Where the headings are, for strategies that do not look at them when they cut. */
type Headings = readonly Block[]

/** Paragraphs as long as they fit together, then lines, sentences, characters. */
export function* recursiveStretches(text: string, headings: Headings, maxTokens: number): Sliced<Stretch[]> {
  const seams = [...text.matchAll(/\n[ \t]*\n/g)].map((blank) => blank.index + blank[0].length)
  const whole: Block = { kind: 'body', start: 0, end: text.length, section: [], seams }
  return yield* counted(text, yield* cutBlock(text, whole, maxTokens), headings)
}

/** So many tokens, cut between words. */
export function* fixedStretches(text: string, headings: Headings, maxTokens: number): Sliced<Stretch[]> {
  const stretches: Stretch[] = []
  let perToken = 4
  for (let start = skipSpace(text, 0); start < text.length; ) {
    let end = wordEnd(text, start, start + Math.floor(maxTokens * perToken))
    let tokens = sizeOf(text.slice(start, end))
    while (tokens > maxTokens) {
      const shorter = start + Math.max(1, Math.floor(((end - start) * maxTokens * 0.97) / tokens))
      end = wordEnd(text, start, Math.min(shorter, end - 1))
      tokens = sizeOf(text.slice(start, end))
      yield end - start
    }
    perToken = Math.max(0.5, (end - start) / Math.max(1, tokens))
    stretches.push({ start, end: trimmedEnd(text, start, end), section: [], tokens })
    yield end - start
    start = skipSpace(text, end)
  }
  return yield* counted(text, stretches, headings)
}

/** The last word's end before `at`, or `at` itself within a word that is longer than a chunk; never inside a surrogate pair. */
function wordEnd(text: string, start: number, at: number): number {
  if (at >= text.length) return text.length
  for (let end = at; end > start + (at - start) / 2; end--) if (/\s/.test(text[end]!)) return end
  const inPair = (text.charCodeAt(at) & 0xfc00) === 0xdc00
  return inPair ? (at - 1 > start ? at - 1 : at + 1) : Math.max(at, start + 1)
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && /\s/.test(text[at]!)) at++
  return at
}

const trimmedEnd = (text: string, start: number, end: number) => start + text.slice(start, end).trimEnd().length

function* counted(text: string, stretches: readonly Stretch[], headings: Headings): Sliced<Stretch[]> {
  const all = yield* withTokens(text, stretches)
  return all.map((stretch) => ({ ...stretch, section: sectionAt(headings, stretch.start) }))
}

/** The headings above an offset; one that stands there itself counts. */
export function sectionAt(headings: Headings, offset: number): readonly string[] {
  let low = 0
  let high = headings.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (headings[middle]!.start <= offset) low = middle + 1
    else high = middle
  }
  return headings[low - 1]?.section ?? []
}
