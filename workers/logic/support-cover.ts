import { isWord, type Part, prefixOf, type SupportIndex } from './support-index.ts'

/** How well two stems agree, 0..1: the same, of one family by how much of their beginning they share, or not. */
function likeness(a: string, b: string): number {
  if (a === b) return 1
  const shortest = Math.min(a.length, b.length)
  let shared = 0
  while (shared < shortest && a[shared] === b[shared]) shared++
  if (shared >= 4 && shared >= 0.6 * Math.max(a.length, b.length)) return 0.85
  if (shared >= 5) return 0.7
  return shared === shortest ? 0.5 : 0
}

/** A term of the claim: its weight, how well the evidence holds it anywhere, and unit by unit. */
export type Covered = { readonly weight: number; readonly credit: number; readonly units: ReadonlyMap<number, number> }

/** @param weigh the weight of a term */
export function coverTerms(terms: readonly string[], { parts }: SupportIndex, weigh: (term: string) => number): Covered[] {
  return terms.map((term) => {
    const units = new Map<number, number>()
    let offset = 0
    let best = 0
    for (const part of parts) {
      for (const [other, credit] of matchesIn(term, part)) {
        best = Math.max(best, credit)
        for (const unit of part.unitsOf.get(other)!) {
          const at = offset + unit
          if ((units.get(at) ?? 0) < credit) units.set(at, credit)
        }
      }
      offset += part.units
    }
    return { weight: weigh(term), credit: best, units }
  })
}

function matchesIn(term: string, { unitsOf, byPrefix }: Part): [string, number][] {
  if (!isWord(term)) return unitsOf.has(term) ? [[term, 1]] : []
  return (byPrefix.get(prefixOf(term)) ?? []).flatMap((other): [string, number][] => {
    const credit = likeness(term, other)
    return credit === 0 ? [] : [[other, credit]]
  })
}

/**
 * The weighted share of the terms that the best units of the evidence hold together, each unit chosen for what it adds to those
 * before it.
 * @returns with one unit, with two, … with `count`
 */
export function bestUnits(terms: readonly Covered[], count: number): number[] {
  const total = terms.reduce((sum, { weight }) => sum + weight, 0)
  const held = terms.map(() => 0)
  const shares: number[] = []
  let sum = 0
  for (let round = 0; round < count; round++) {
    const gains = new Map<number, number>()
    for (const [at, { weight, units }] of terms.entries())
      for (const [unit, credit] of units)
        if (credit > held[at]!) gains.set(unit, (gains.get(unit) ?? 0) + weight * (credit - held[at]!))
    let best: [number, number] | undefined
    for (const gain of gains) if (best === undefined || gain[1] > best[1]) best = gain
    if (best !== undefined) {
      sum += best[1]
      for (const [at, { units }] of terms.entries()) held[at] = Math.max(held[at]!, units.get(best[0]) ?? 0)
    }
    shares.push(total === 0 ? 1 : sum / total)
  }
  return shares
}
