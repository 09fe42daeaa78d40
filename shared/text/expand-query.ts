import { contentTerms } from './tokenize.ts'

/** Words that mean the same to a tenant: `['VPN', 'virtual private network']`. */
export type SynonymGroup = readonly string[]

/** A letter that touches on everything is not made longer without end. */
const MAX_ADDED = 12

type Known = { readonly text: string; readonly terms: readonly string[] }
/** Tenants keep their list, so its words are analysed once. */
const analysed = new WeakMap<readonly SynonymGroup[], readonly (readonly Known[])[]>()

/**
 * What else a query may be called, by the tenant's own lists: of every group of which one member stands in the query (all its words
 * side by side, in any inflection), the members that do not.
 * @returns in the order of the groups; nothing where nothing is known
 */
export function synonymsIn(query: string, groups: readonly SynonymGroup[]): string[] {
  if (groups.length === 0) return []
  const asked = ` ${contentTerms(query).join(' ')} `
  const added: string[] = []
  for (const group of knownOf(groups)) {
    const stands = group.map(({ terms }) => terms.length > 0 && asked.includes(` ${terms.join(' ')} `))
    if (!stands.includes(true)) continue
    for (const [i, { text }] of group.entries()) if (!stands[i] && added.length < MAX_ADDED) added.push(text)
  }
  return added
}

function knownOf(groups: readonly SynonymGroup[]): readonly (readonly Known[])[] {
  const known = analysed.get(groups) ?? groups.map((group) => group.map((text) => ({ text, terms: contentTerms(text) })))
  analysed.set(groups, known)
  return known
}
