import * as z from 'zod'

/**
 * What Elasticsearch's published API (9.x) takes of the few requests that our adapter sends. Everything is closed: a field
 * that is not listed here is refused, also where the real server would know it.
 */
const TokenFilter = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('stop'), stopwords: z.array(z.string()) }),
  z.strictObject({ type: z.literal('stemmer'), language: z.enum(['light_english', 'possessive_english']) }),
  z.strictObject({
    type: z.literal('pattern_replace'),
    pattern: z.string(),
    replacement: z.string(),
    all: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal('length'), min: z.int().min(0), max: z.int().min(0) }),
])
export type TokenFilter = z.infer<typeof TokenFilter>
const Analyzer = z.strictObject({
  type: z.literal('custom'),
  tokenizer: z.enum(['standard', 'whitespace']),
  filter: z.array(z.string()).default([]),
})
export type Analyzer = z.infer<typeof Analyzer>
export const Analysis = z.strictObject({
  filter: z.record(z.string(), TokenFilter).default({}),
  analyzer: z.record(z.string(), Analyzer).default({}),
})
export type Analysis = z.infer<typeof Analysis>
const Bm25 = z.strictObject({ type: z.literal('BM25'), k1: z.number().min(0), b: z.number().min(0).max(1) })
export type Bm25 = z.infer<typeof Bm25>

export const Settings = z.strictObject({
  number_of_shards: z.int().min(1).max(1_024).default(1),
  number_of_replicas: z.int().min(0).optional(),
  auto_expand_replicas: z
    .string()
    .regex(/^\d+-(?:\d+|all)$/)
    .optional(),
  refresh_interval: z
    .string()
    .regex(/^(?:-1|\d+(?:ms|s|m))$/)
    .optional(),
  max_inner_result_window: z.int().min(1).default(100),
  mapping: z.strictObject({ nested_objects: z.strictObject({ limit: z.int().min(0) }).optional() }).optional(),
  similarity: z.record(z.string(), Bm25).default({}),
  analysis: Analysis.default({ filter: {}, analyzer: {} }),
})
export type Settings = z.infer<typeof Settings>

const Text = z.strictObject({
  type: z.literal('text'),
  analyzer: z.string().optional(),
  similarity: z.string().optional(),
  fields: z
    .record(
      z.string(),
      z.strictObject({ type: z.literal('text'), analyzer: z.string().optional(), similarity: z.string().optional() }),
    )
    .optional(),
})
const Keyword = z.strictObject({ type: z.literal('keyword'), index: z.boolean().optional(), doc_values: z.boolean().optional() })
const Integer = z.strictObject({ type: z.literal('integer'), index: z.boolean().optional(), doc_values: z.boolean().optional() })
const Leaf = z.discriminatedUnion('type', [Text, Keyword, Integer])
const Nested = z.strictObject({
  type: z.literal('nested'),
  dynamic: z.literal('strict').optional(),
  properties: z.record(z.string(), Leaf),
})
export const Property = z.discriminatedUnion('type', [Text, Keyword, Integer, Nested])
export type Property = z.infer<typeof Property>
export const Properties = z.record(z.string(), Property)
export const Mapping = z.strictObject({
  dynamic: z.literal('strict'),
  _meta: z.record(z.string(), z.unknown()).optional(),
  _routing: z.strictObject({ required: z.boolean() }).optional(),
  properties: Properties,
})
export type Mapping = z.infer<typeof Mapping>
export const CreateIndex = z.strictObject({ settings: z.unknown().optional(), mappings: z.unknown().optional() })

const one = (query: object) => Object.keys(query).length === 1
const Value = z.union([z.string(), z.number(), z.boolean()])
export type Query = {
  bool?:
    | {
        must?: Query[] | undefined
        should?: Query[] | undefined
        minimum_should_match?: number | undefined
        filter?: Query[] | undefined
      }
    | undefined
  term?: Record<string, string | number | boolean> | undefined
  terms?: Record<string, (string | number | boolean)[]> | undefined
  multi_match?: { query: string; type: 'most_fields'; fields: string[]; boost?: number | undefined } | undefined
  nested?: Nesting | undefined
  match_all?: Record<string, never> | undefined
}
export type Nesting = { path: string; score_mode: 'max'; query: Query; inner_hits?: { size: number } | undefined }
const clauses = (): z.ZodType<Query[] | undefined> => z.array(z.lazy(() => Query)).optional()
export const Query: z.ZodType<Query> = z.lazy(() =>
  z
    .strictObject({
      bool: z
        .strictObject({ must: clauses(), should: clauses(), minimum_should_match: z.int().min(0).optional(), filter: clauses() })
        .optional(),
      term: z.record(z.string(), Value).refine(one, 'exactly one field').optional(),
      terms: z.record(z.string(), z.array(Value).max(65_536)).refine(one, 'exactly one field').optional(),
      multi_match: z
        .strictObject({
          query: z.string(),
          type: z.literal('most_fields'),
          fields: z.array(z.string().regex(/^[a-z_.]+(?:\^\d+(?:\.\d+)?)?$/)).min(1),
          boost: z.number().min(0).optional(),
        })
        .optional(),
      nested: z
        .strictObject({
          path: z.string(),
          score_mode: z.literal('max'),
          query: Query,
          inner_hits: z.strictObject({ size: z.int().min(0) }).optional(),
        })
        .optional(),
      match_all: z.strictObject({}).optional(),
    })
    .refine(one, '[bool] malformed query, exactly one kind of query is expected'),
)

export const Search = z.strictObject({
  query: Query.optional(),
  size: z.int().min(0).max(10_000).default(10),
  _source: z.boolean().optional(),
  track_total_hits: z.boolean().optional(),
  aggs: z.record(z.string(), z.strictObject({ sum: z.strictObject({ field: z.string() }) })).optional(),
})
export const DeleteByQuery = z.strictObject({ query: Query })
export const PutAlias = z.strictObject({ is_write_index: z.boolean().optional() })
export const PutMapping = z.strictObject({ properties: Properties })
export const BulkAction = z.strictObject({
  index: z.strictObject({ _index: z.string().optional(), _id: z.string().min(1).max(512), routing: z.string().optional() }),
})

const Flag = z.enum(['true', 'false', ''])
const Refresh = z.enum(['true', 'false', '', 'wait_for'])
/** Query parameters by endpoint. */
export const Parameters = {
  none: z.strictObject({}),
  bulk: z.strictObject({ refresh: Refresh, require_alias: Flag }).partial(),
  search: z.strictObject({ routing: z.string(), allow_partial_search_results: Flag }).partial(),
  deleteByQuery: z.strictObject({ routing: z.string(), refresh: Flag, conflicts: z.enum(['abort', 'proceed']) }).partial(),
} as const
