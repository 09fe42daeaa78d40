import { type Client, errors, type estypes } from '@elastic/elasticsearch'
import * as z from 'zod'
import { terminal } from '#shared/domain/failure.ts'

/** Grows with every change that an index in use cannot take over; then a new index is filled beside the old one. */
const FORMAT = 1
const PREFIX = /^[a-z0-9][a-z0-9-]{0,59}$/
/** How many chunks of one document a search may bring. */
export const MAX_RESULTS = 1_000

export type IndexNames = {
  readonly index: string
  /** Every request goes through the alias and requires it: without it, writing to an index that is gone would create one without mapping. */
  readonly alias: string
  /** Indexes of all formats: a deletion must reach them all. */
  readonly everyFormat: string
}

export function indexNames(prefix: string): IndexNames {
  if (!PREFIX.test(prefix)) throw new TypeError(`"${prefix}" is not a prefix: small letters, digits and hyphens only`)
  const index = `${prefix}_documents_v${FORMAT}`
  return { index, alias: `${index}_live`, everyFormat: `${prefix}_documents_v*` }
}

/** Lucene's English stop words and the words that questions are made of; a query of nothing else finds nothing. */
export const STOP_WORDS = (
  'a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will ' +
  'with am can could did do does doing had has have having he her his how i its me my our she should so than them were what when ' +
  'where which who why would you your'
).split(' ')

const ANALYSIS: estypes.IndicesIndexSettingsAnalysis = {
  filter: {
    question_words: { type: 'stop', stopwords: STOP_WORDS },
    english_possessive: { type: 'stemmer', language: 'possessive_english' },
    english_light: { type: 'stemmer', language: 'light_english' },
    // Tokens of the whitespace tokenizer end after 255 characters, so these patterns stay cheap on any text.
    bare_edges: { type: 'pattern_replace', pattern: '^[^\\p{L}\\p{N}]+|[^\\p{L}\\p{N}]+$', replacement: '' },
    emptied_words: { type: 'pattern_replace', pattern: '^[^0-9]*$', replacement: '' },
    joined_parts: { type: 'pattern_replace', pattern: '[-_./:]+', replacement: '' },
    not_empty: { type: 'length', min: 2, max: 64 },
  },
  analyzer: {
    prose: {
      type: 'custom',
      tokenizer: 'standard',
      filter: ['english_possessive', 'lowercase', 'asciifolding', 'question_words', 'english_light'],
    },
    // `LK-204`, `0x80070005` and `v2.1`, whole; words without a digit are left to the prose.
    code: { type: 'custom', tokenizer: 'whitespace', filter: ['lowercase', 'bare_edges', 'emptied_words', 'not_empty'] },
    // `LK-204`, `LK_204` and `LK204` alike.
    joined_code: {
      type: 'custom',
      tokenizer: 'whitespace',
      filter: ['lowercase', 'bare_edges', 'emptied_words', 'joined_parts', 'not_empty'],
    },
  },
}

export const INDEX_SETTINGS: estypes.IndicesIndexSettings = {
  number_of_shards: 3,
  auto_expand_replicas: '0-1',
  refresh_interval: '1s',
  max_inner_result_window: MAX_RESULTS,
  mapping: { nested_objects: { limit: 50_000 } },
  // Robertson's usual parameters; a long heading is hardly worse than a short one, so it is punished less.
  similarity: { passage: { type: 'BM25', k1: 1.2, b: 0.75 }, heading: { type: 'BM25', k1: 1.2, b: 0.3 } },
  analysis: ANALYSIS,
}

const words = (similarity: string): estypes.MappingProperty => ({
  type: 'text',
  analyzer: 'prose',
  similarity,
  fields: {
    code: { type: 'text', analyzer: 'code', similarity },
    joined: { type: 'text', analyzer: 'joined_code', similarity },
  },
})
const FILTER = { type: 'keyword' } as const
/** Kept and given back, never searched. */
const KEPT = { type: 'keyword', index: false, doc_values: false } as const
const KEPT_NUMBER = { type: 'integer', index: false, doc_values: false } as const

/**
 * One Elasticsearch document per document of ours, its chunks nested in it: Lucene writes such a block as one, so a reader
 * sees all chunks of one version (IndexWriter.updateDocuments: "an external reader will see all or none of the documents").
 */
export const INDEX_MAPPING: estypes.MappingTypeMapping & { properties: Record<string, estypes.MappingProperty> } = {
  dynamic: 'strict',
  _meta: { format: FORMAT },
  _routing: { required: true },
  properties: {
    tenant_id: FILTER,
    document_id: FILTER,
    chunk_count: { type: 'integer' },
    chunks: {
      type: 'nested',
      dynamic: 'strict',
      properties: {
        title: words('heading'),
        section: words('heading'),
        text: words('passage'),
        audience: FILTER,
        product: FILTER,
        language: FILTER,
        // The position once more, as what can be asked for: neighbours of a passage. Absent in what was written before it was there.
        place: FILTER,
        id: KEPT,
        documentId: KEPT,
        version: KEPT,
        url: KEPT,
        modifiedAt: KEPT,
        position: KEPT_NUMBER,
        start: KEPT_NUMBER,
        end: KEPT_NUMBER,
        tokens: KEPT_NUMBER,
        page: KEPT_NUMBER,
        context: words('passage'),
      },
    },
  },
}

const Mappings = z.record(
  z.string(),
  z.object({ mappings: z.object({ _meta: z.object({ format: z.int().optional() }).optional() }).optional() }),
)

/**
 * Creates the index with its alias, or adds the fields that an older one lacks. Safe to run at the same time from anywhere.
 * @throws `search-index-version` (terminal) when an index of this name is not ours, or of another format
 */
export async function ensureIndex(client: Client, { index, alias }: IndexNames, signal: AbortSignal): Promise<void> {
  try {
    await client.indices.create({ index, settings: INDEX_SETTINGS, mappings: INDEX_MAPPING }, { signal })
  } catch (error) {
    if (!(error instanceof errors.ResponseError && errorType(error) === 'resource_already_exists_exception')) throw error
    const format = Mappings.parse(await client.indices.getMapping({ index }, { signal }))[index]?.mappings?._meta?.format
    if (format !== FORMAT) throw terminal('search-index-version', `index ${index} has format ${format ?? 'none'}, not ${FORMAT}`)
    await client.indices.putMapping({ index, properties: INDEX_MAPPING.properties }, { signal })
  }
  await client.indices.putAlias({ index, name: alias, is_write_index: true }, { signal })
}

const errorType = ({ body }: errors.ResponseError): unknown => (body as { error?: { type?: unknown } } | null)?.error?.type
