import { type Entry, Refusal, type Stored, type StrictIndex } from './strict-elasticsearch-index.ts'
import type * as schema from './strict-elasticsearch-schemas.ts'

type Statistics = { readonly entries: number; readonly averageLength: number; readonly frequencies: ReadonlyMap<string, number> }
type Hit = { readonly stored: Stored; readonly score: number; readonly inner: Readonly<Record<string, InnerHit[]>> }
type InnerHit = { readonly entry: Entry; readonly offset: number; readonly score: number }
type Match = { score: number; inner: Record<string, InnerHit[]> }

/** One search over the shard that the routing leads to, as of the last refresh. */
export class ShardSearch {
  readonly #index: StrictIndex
  readonly #documents: readonly Stored[]
  readonly #statistics = new Map<string, Statistics>()

  constructor(index: StrictIndex, routing: string | undefined) {
    this.#index = index
    const all = [...index.searchable.values()]
    const shard = routing === undefined ? undefined : index.shardOf(routing)
    this.#documents = shard === undefined ? all : all.filter((stored) => index.shardOf(stored.routing) === shard)
  }

  hits(query: schema.Query): Hit[] {
    const found = this.#documents.flatMap((stored) => {
      const match = this.#match(query, stored.root, '', stored)
      return match === undefined ? [] : [{ stored, ...match }]
    })
    return found.sort((a, b) => b.score - a.score)
  }

  /** @returns undefined where the entry does not match; a match by filter alone scores 0 */
  #match(query: schema.Query, entry: Entry, prefix: string, stored: Stored): Match | undefined {
    if (query.bool) return this.#matchAll(query.bool, entry, prefix, stored)
    if (query.nested) return this.#matchNested(query.nested, stored)
    if (query.multi_match) return this.#matchWords(query.multi_match, entry)
    if (query.match_all) return { score: 1, inner: {} }
    const [field, wanted] = Object.entries({ ...query.term, ...query.terms })[0]!
    const { property } = this.#known(field)
    if ('index' in property && property.index === false) {
      throw new Refusal(400, 'query_shard_exception', `Cannot search on field [${field}] since it is not indexed`)
    }
    const values: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted]
    return entry.keywords.get(field)?.some((value) => values.includes(value)) ? { score: 1, inner: {} } : undefined
  }

  #matchAll(query: NonNullable<schema.Query['bool']>, entry: Entry, prefix: string, stored: Stored) {
    const { must = [], should = [], filter = [] } = query
    const whole: Match = { score: 0, inner: {} }
    let least = query.minimum_should_match ?? (must.length + filter.length === 0 ? Math.min(1, should.length) : 0)
    for (const each of filter) if (this.#match(each, entry, prefix, stored) === undefined) return undefined
    for (const each of must) {
      const match = this.#match(each, entry, prefix, stored)
      if (match === undefined) return undefined
      whole.score += match.score
      Object.assign(whole.inner, match.inner)
    }
    for (const each of should) {
      const match = this.#match(each, entry, prefix, stored)
      if (match === undefined) continue
      least--
      whole.score += match.score
      Object.assign(whole.inner, match.inner)
    }
    return least > 0 ? undefined : whole
  }

  #matchNested({ path, query, inner_hits }: schema.Nesting, stored: Stored): Match | undefined {
    if (this.#index.fields.get(path)?.property.type !== 'nested') {
      throw new Refusal(400, 'query_shard_exception', `[nested] failed to find nested object under path [${path}]`)
    }
    const window = this.#index.settings.max_inner_result_window
    if (inner_hits !== undefined && inner_hits.size > window) {
      throw new Refusal(400, 'illegal_argument_exception', `Inner result window is too large, must be at most [${window}]`)
    }
    const found = stored.nested.flatMap((entry, offset) => {
      const match = this.#match(query, entry, `${path}.`, stored)
      return match === undefined ? [] : [{ entry, offset, score: match.score }]
    })
    if (found.length === 0) return undefined
    found.sort((a, b) => b.score - a.score)
    return { score: found[0]!.score, inner: inner_hits === undefined ? {} : { [path]: found.slice(0, inner_hits.size) } }
  }

  #matchWords({ query, fields, boost: whole = 1 }: NonNullable<schema.Query['multi_match']>, entry: Entry): Match | undefined {
    let score = 0
    let matched = false
    for (const weighted of fields) {
      const [field = '', boost = '1'] = weighted.split('^')
      if (this.#known(field).property.type !== 'text') throw new Refusal(400, 'query_shard_exception', `[${field}] is no text`)
      for (const term of this.#index.analyze(field, query)) {
        const count = entry.texts.get(field)?.counts.get(term)
        if (count === undefined) continue
        matched = true
        score += Number(boost) * this.#bm25(field, term, count, entry.texts.get(field)!.length)
      }
    }
    return matched ? { score: whole * score, inner: {} } : undefined
  }

  /** Lucene's BM25Similarity, with exact lengths where Lucene keeps them in one byte. */
  #bm25(field: string, term: string, count: number, length: number): number {
    const { entries, averageLength, frequencies } = this.#statisticsOf(field)
    const { k1, b } = this.#known(field).similarity
    const frequency = frequencies.get(term) ?? 0
    const rarity = Math.log(1 + (entries - frequency + 0.5) / (frequency + 0.5))
    return (rarity * count) / (count + k1 * (1 - b + (b * length) / averageLength))
  }

  #statisticsOf(field: string): Statistics {
    const known = this.#statistics.get(field)
    if (known !== undefined) return known
    const frequencies = new Map<string, number>()
    let entries = 0
    let total = 0
    for (const { root, nested } of this.#documents) {
      for (const entry of [root, ...nested]) {
        const text = entry.texts.get(field)
        if (text === undefined) continue
        entries++
        total += text.length
        for (const term of text.counts.keys()) frequencies.set(term, (frequencies.get(term) ?? 0) + 1)
      }
    }
    const statistics = { entries, averageLength: total / Math.max(1, entries), frequencies }
    this.#statistics.set(field, statistics)
    return statistics
  }

  /** The real server overlooks unknown fields here; a misspelt one must not pass in a test. */
  #known(field: string) {
    const known = this.#index.fields.get(field)
    if (known === undefined) throw new Refusal(400, 'query_shard_exception', `No mapping found for [${field}]`)
    return known
  }
}

export function searchReply(index: StrictIndex, routing: string | undefined, request: SearchRequest) {
  const { query = { match_all: {} }, size, _source = true, aggs = {} } = request
  const found = new ShardSearch(index, routing).hits(query)
  const hits = found.slice(0, size).map(({ stored, score, inner }) => ({
    _index: index.name,
    _id: stored.id,
    _routing: stored.routing,
    _score: score,
    ...(_source ? { _source: stored.root.source } : {}),
    ...(Object.keys(inner).length > 0 ? { inner_hits: innerReply(index, stored, inner) } : {}),
  }))
  const sums = Object.entries(aggs).map(([name, { sum }]) => {
    const values = found.flatMap(({ stored }) => stored.root.keywords.get(sum.field) ?? [])
    return [name, { value: values.reduce((total: number, value) => total + Number(value), 0) }]
  })
  return {
    took: 1,
    timed_out: false,
    _shards: { total: 1, successful: 1, skipped: 0, failed: 0 },
    hits: { max_score: hits[0]?._score ?? null, hits },
    ...(sums.length > 0 ? { aggregations: Object.fromEntries(sums) } : {}),
  }
}
type SearchRequest = {
  readonly query?: schema.Query | undefined
  readonly size: number
  readonly _source?: boolean | undefined
  readonly aggs?: Readonly<Record<string, { readonly sum: { readonly field: string } }>> | undefined
}

const innerReply = (index: StrictIndex, stored: Stored, inner: Readonly<Record<string, InnerHit[]>>) =>
  Object.fromEntries(
    Object.entries(inner).map(([field, found]) => {
      const hits = found.map(({ entry, offset, score }) => ({
        _index: index.name,
        _id: stored.id,
        _routing: stored.routing,
        _nested: { field, offset },
        _score: score,
        _source: entry.source,
      }))
      return [field, { hits: { total: { value: hits.length, relation: 'eq' }, max_score: hits[0]?._score ?? null, hits } }]
    }),
  )
