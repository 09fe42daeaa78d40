/** By rank, or the best at both edges of what a model reads. */
export type PassageOrder = 'edges' | 'rank'

type Placed = {
  readonly n: number
  readonly chunkId: string
  readonly documentId: string
  readonly start: number
  readonly neighbourOf?: number | undefined
}

/**
 * In which order a model is given passages. Models use best what stands first or last (Liu et al., "Lost in the Middle", TACL 2024), so
 * `edges` puts the best first, the second last, the third second, and so on inwards. What was added because it stands beside a passage
 * stands beside it here too, in the order of the document. Numbers stay: they say the rank and are what answers cite.
 * @param passages best first
 */
export function promptOrder<P extends Placed>(passages: readonly P[], order: PassageOrder): P[] {
  const ranked = passages.filter(({ neighbourOf }) => neighbourOf === undefined)
  const groups = ranked.map((best) =>
    [best, ...passages.filter(({ neighbourOf }) => neighbourOf === best.n)].sort((a, b) => a.start - b.start),
  )
  if (order === 'rank') return groups.flat()
  const front = groups.filter((_, rank) => rank % 2 === 0)
  const back = groups.filter((_, rank) => rank % 2 === 1)
  return [...front, ...back.reverse()].flat()
}
