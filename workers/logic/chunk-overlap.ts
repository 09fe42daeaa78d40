import { countTokens } from '#shared/text/count-tokens.ts'
import type { Stretch } from './chunk-blocks.ts'
import type { Sliced } from './in-slices.ts'

/**
 * Lets each stretch begin with the last sentences (else words) of the one before, as far as they fit into so many tokens. Not
 * across headings: what another section says would be taken for this one's.
 */
export function* withOverlap(text: string, stretches: readonly Stretch[], overlapTokens: number): Sliced<Stretch[]> {
  if (overlapTokens === 0) return [...stretches]
  const overlapping: Stretch[] = []
  for (const [i, stretch] of stretches.entries()) {
    overlapping.push(overlapped(text, stretch, stretches[i - 1], overlapTokens))
    yield stretch.end - stretch.start
  }
  return overlapping
}

function overlapped(text: string, stretch: Stretch, before: Stretch | undefined, overlapTokens: number): Stretch {
  if (!before || before.section.join('\n') !== stretch.section.join('\n')) return stretch
  const start = overlapStart(text, before, overlapTokens)
  if (start >= before.end) return stretch
  return { ...stretch, start, tokens: countTokens(text.slice(start, stretch.end)) }
}

function overlapStart(text: string, { start, end }: Stretch, overlapTokens: number): number {
  // A token is hardly ever longer than this many characters, and text further back cannot fit.
  const from = Math.max(start, end - overlapTokens * 8)
  const tail = text.slice(from, end)
  const fits = (at: number) => countTokens(tail.slice(at)) <= overlapTokens
  const earliest = (pattern: RegExp) => {
    const starts = [...tail.matchAll(pattern)].map((match) => match.index + match[0].length).filter((at) => at < tail.length)
    // The later one begins, the shorter it is: the first that fits is found by halving.
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (fits(starts[middle]!)) high = middle
      else low = middle + 1
    }
    return starts[low]
  }
  const at = earliest(/[.!?。！？]["')\]]?\s+|\n/g) ?? earliest(/\s+/g)
  return at === undefined ? end : from + at
}
