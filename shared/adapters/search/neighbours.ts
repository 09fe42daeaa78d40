import type { Chunk } from '#shared/domain/document.ts'
import type { SearchFilter, SparseIndex } from '#shared/ports/search-index.ts'
import type { ScoredCandidate } from '#shared/ports/searcher.ts'
import { acceptor } from './chunk-filter.ts'

export type Neighbour = { readonly chunk: Chunk; readonly of: ScoredCandidate }

/** What stands beside passages is a help, no need. */
const DEADLINE_MS = 1_000

/**
 * The chunks before and after each passage, of the same version and section, as far as they fit into what is left of the token budget:
 * those of the best passage first, and of each the nearest first. A section that was cut is so made whole again.
 * @param reach how many on either side
 * @returns nothing where the index cannot be asked: the search has its passages already
 */
export async function neighboursOf(
  chosen: readonly ScoredCandidate[],
  { reach, tokens, filter }: { readonly reach: number; readonly tokens: number; readonly filter: SearchFilter },
  index: Pick<SparseIndex, 'chunksAt'>,
  signal: AbortSignal,
): Promise<Neighbour[]> {
  if (reach < 1 || tokens < 1) return []
  const both = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)])
  const found = await Promise.all(
    chosen.map(({ chunk }) =>
      index.chunksAt(filter, chunk.documentId, positionsAround(chunk.position, reach), both).catch((): Chunk[] => []),
    ),
  )
  signal.throwIfAborted()
  const taken = new Set(chosen.map(({ chunk }) => chunk.id))
  const accept = acceptor(filter)
  const neighbours: Neighbour[] = []
  let left = tokens
  for (const [i, candidate] of chosen.entries()) {
    const fitting = found[i]!.filter((chunk) => isBeside(chunk, candidate.chunk) && accept(chunk))
    for (const step of [-1, 1]) {
      for (let away = 1; away <= reach; away++) {
        const position = candidate.chunk.position + step * away
        const chunk = fitting.find((each) => each.position === position)
        // Behind a gap, or behind one that does not fit, stands something else.
        if (chunk === undefined || taken.has(chunk.id) || chunk.tokens > left) break
        taken.add(chunk.id)
        left -= chunk.tokens
        neighbours.push({ chunk, of: candidate })
      }
    }
  }
  return neighbours
}

function positionsAround(position: number, reach: number): number[] {
  const around = Array.from({ length: 2 * reach + 1 }, (_, i) => position - reach + i)
  return around.filter((each) => each >= 0 && each !== position)
}

const isBeside = (a: Chunk, b: Chunk) =>
  a.documentId === b.documentId && a.version === b.version && a.section.join('\n') === b.section.join('\n')
