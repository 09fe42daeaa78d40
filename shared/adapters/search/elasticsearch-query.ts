import type { estypes } from '@elastic/elasticsearch'
import * as z from 'zod'
import { Chunk } from '#shared/domain/document.ts'
import type { ScoredChunk, SearchFilter } from '#shared/ports/search-index.ts'
import { STOP_WORDS } from './elasticsearch-mapping.ts'

const MAX_QUERY_CHARACTERS = 8_000
/** Nine fields a word: far below the thousand clauses that every server takes. */
const MAX_QUERY_WORDS = 64
/**
 * A match in the title or a heading says more about the subject than one in the text, and a code that was typed is found
 * by its letters or not at all.
 */
const FIELDS = [
  ...['chunks.title^3', 'chunks.section^2', 'chunks.text'],
  ...['chunks.title.code^4', 'chunks.section.code^3', 'chunks.text.code^3'],
  ...['chunks.title.joined^2', 'chunks.section.joined^1.5', 'chunks.text.joined^1.5'],
  ...['chunks.context^0.7', 'chunks.context.code', 'chunks.context.joined^0.5'],
]

/** Words that the query says equally often, and what each of them counts. */
export type WeighedWords = { readonly words: readonly string[]; readonly boost: number }

/**
 * Unique words of the query, heaviest first, in order: what is said more often counts more, by the square root, as in the embedded index;
 * so a conversation's question counts more than what was said before it. A customer's long letter is cut before it becomes a slow search.
 */
export function queryWords(query: string): WeighedWords[] {
  const text = query.slice(0, MAX_QUERY_CHARACTERS).toWellFormed()
  const times = new Map<string, number>()
  for (const word of text.split(/[\s\p{Cc}]+/u)) if (/[\p{L}\p{N}]/u.test(word)) times.set(word, (times.get(word) ?? 0) + 1)
  const boostOf = (word: string, count: number) => (STOP.has(word.toLowerCase()) ? 1 : Math.round(100 * Math.sqrt(count)) / 100)
  const weighed = [...times].map(([word, count]) => ({ word, boost: boostOf(word, count) })).sort((a, b) => b.boost - a.boost)
  return [...Map.groupBy(weighed.slice(0, MAX_QUERY_WORDS), ({ boost }) => boost)].map(([boost, some]) => ({
    words: some.map(({ word }) => word),
    boost,
  }))
}
const STOP: ReadonlySet<string> = new Set(STOP_WORDS)

export type ChunkSearch = {
  readonly words: readonly WeighedWords[]
  readonly filter: SearchFilter
  readonly limit: number
  readonly perDocument: number
}

/**
 * The best `limit` documents by their best chunk, each with its best `perDocument` chunks: the best `limit` chunks are among
 * them when `perDocument` is `limit`, and nearly always when it is less (see `isComplete`).
 */
export function searchBody({ words, filter, limit, perDocument }: ChunkSearch) {
  const { tenantId, audiences, product, language } = filter
  const conditions: estypes.QueryDslQueryContainer[] = [{ terms: { 'chunks.audience': [...audiences] } }]
  if (product !== undefined) conditions.push({ term: { 'chunks.product': product } })
  if (language !== undefined) conditions.push({ term: { 'chunks.language': language } })
  const weighed = words.map(
    ({ words, boost }): estypes.QueryDslQueryContainer => ({
      multi_match: { query: words.join(' '), type: 'most_fields', fields: FIELDS, ...(boost === 1 ? {} : { boost }) },
    }),
  )
  const matching: estypes.QueryDslQueryContainer = {
    nested: {
      path: 'chunks',
      score_mode: 'max',
      query: { bool: { should: weighed, minimum_should_match: 1, filter: conditions } },
      inner_hits: { size: perDocument },
    },
  }
  return {
    size: limit,
    _source: false,
    track_total_hits: false,
    query: { bool: { must: [matching], filter: [{ term: { tenant_id: tenantId } }] } },
  }
}

/** Those chunks of one document that stand at these positions and are for these audiences. */
export function chunksBody({ tenantId, audiences }: SearchFilter, documentId: string, positions: readonly number[]) {
  const conditions: estypes.QueryDslQueryContainer[] = [
    { terms: { 'chunks.audience': [...audiences] } },
    { terms: { 'chunks.place': positions.map(String) } },
  ]
  const matching: estypes.QueryDslQueryContainer = {
    nested: {
      path: 'chunks',
      score_mode: 'max',
      query: { bool: { filter: conditions } },
      inner_hits: { size: positions.length },
    },
  }
  return {
    size: 1,
    _source: false,
    track_total_hits: false,
    query: { bool: { must: [matching], filter: [{ term: { tenant_id: tenantId } }, { term: { document_id: documentId } }] } },
  }
}

const InnerHits = z.object({ hits: z.object({ hits: z.array(z.object({ _score: z.number(), _source: Chunk })) }) })
const SearchReply = z.object({
  hits: z.object({ hits: z.array(z.object({ inner_hits: z.object({ chunks: InnerHits }) })) }),
})

export type DocumentHits = readonly ScoredChunk[]
export const hitsByDocument = (reply: unknown): DocumentHits[] =>
  SearchReply.parse(reply).hits.hits.map(({ inner_hits }) =>
    inner_hits.chunks.hits.hits.map(({ _score, _source }) => ({ chunk: _source, score: _score })),
  )

/** Best first, ties in a fixed order. */
export const bestOf = (documents: readonly DocumentHits[], limit: number): ScoredChunk[] =>
  documents
    .flat()
    .sort((a, b) => b.score - a.score || (a.chunk.id < b.chunk.id ? -1 : 1))
    .slice(0, limit)

/** False when a document may have further chunks that belong among the best. */
export function isComplete(documents: readonly DocumentHits[], { limit, perDocument }: ChunkSearch): boolean {
  const best = bestOf(documents, limit)
  const worstScore = best.length < limit ? Number.NEGATIVE_INFINITY : best[limit - 1]!.score
  return perDocument >= limit || documents.every((hits) => hits.length < perDocument || hits.at(-1)!.score < worstScore)
}
