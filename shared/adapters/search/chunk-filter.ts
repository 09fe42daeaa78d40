import type { SearchFilter } from '#shared/ports/search-index.ts'

export type FilteredFacts = {
  readonly audience: string
  readonly product?: string | undefined
  readonly language?: string | undefined
  readonly modifiedAt?: string | undefined
}

/** The filter of a search as a test of what an index keeps of each chunk in memory. */
export function acceptor(filter: SearchFilter): (facts: FilteredFacts) => boolean {
  const audiences = new Set<string>(filter.audiences)
  const from = filter.modifiedFrom === undefined ? undefined : Date.parse(filter.modifiedFrom)
  return (facts) =>
    audiences.has(facts.audience) &&
    (filter.product === undefined || facts.product === filter.product) &&
    (filter.language === undefined || facts.language === filter.language) &&
    (from === undefined || (facts.modifiedAt !== undefined && Date.parse(facts.modifiedAt) >= from))
}
