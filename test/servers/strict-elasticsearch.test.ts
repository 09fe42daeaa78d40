import { afterEach, beforeEach, expect, test } from 'vitest'
import { type StrictElasticsearch, startStrictElasticsearch } from './strict-elasticsearch.ts'

const JSON_TYPE = 'application/vnd.elasticsearch+json; compatible-with=9'
const NDJSON_TYPE = 'application/vnd.elasticsearch+x-ndjson; compatible-with=9'
const MAPPINGS = {
  dynamic: 'strict',
  _routing: { required: true },
  properties: {
    tenant: { type: 'keyword' },
    size: { type: 'integer' },
    parts: {
      type: 'nested',
      properties: { text: { type: 'text' }, kind: { type: 'keyword' }, kept: { type: 'keyword', index: false } },
    },
  },
}

let server: StrictElasticsearch
beforeEach(async () => {
  server = await startStrictElasticsearch()
  await send('PUT', '/i', { settings: { number_of_shards: 2, max_inner_result_window: 10 }, mappings: MAPPINGS })
  await send('PUT', '/i/_alias/a', { is_write_index: true })
})
afterEach(() => server.close())

type Reply = {
  error?: { type: string }
  items?: { index: { status: number; error?: { type: string } } }[]
  hits?: {
    hits: { _id: string; _score: number; inner_hits?: { parts: { hits: { hits: { _score: number; _source: object }[] } } } }[]
  }
}
async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const type = path.includes('_bulk') ? NDJSON_TYPE : JSON_TYPE
  const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
  const all = { accept: JSON_TYPE, 'content-type': type, ...headers }
  const response = await fetch(server.url + path, { method, headers: all, ...sent })
  const reply = (await response.json()) as Reply
  return { status: response.status, type: reply.error?.type, ...reply }
}
const write = (id: string, document: object, query = '', routing: object = { routing: 't' }) =>
  send('POST', `/a/_bulk${query}`, `${JSON.stringify({ index: { _id: id, ...routing } })}\n${JSON.stringify(document)}\n`)
const texts = (...all: string[]) => ({ tenant: 't', size: all.length, parts: all.map((text) => ({ text, kind: 'k' })) })
const wordsQuery = (query: string, size = 5) => ({
  query: {
    nested: {
      path: 'parts',
      score_mode: 'max',
      query: { multi_match: { query, type: 'most_fields', fields: ['parts.text'] } },
      inner_hits: { size },
    },
  },
})

test.each([
  ['an unknown part of a search', { qurey: { match_all: {} } }],
  ['an unknown kind of query', { query: { matches: { text: 'a' } } }],
  ['two kinds of query in one', { query: { match_all: {}, term: { tenant: 't' } } }],
  ['a term of two fields', { query: { term: { tenant: 't', size: 1 } } }],
  ['terms that are no list', { query: { terms: { tenant: 't' } } }],
  ['a field that is not mapped', { query: { term: { tennant: 't' } } }],
  [
    'a field that is kept but not indexed',
    { query: { nested: { path: 'parts', score_mode: 'max', query: { term: { 'parts.kept': 'x' } } } } },
  ],
  [
    'a nested query over what is not nested',
    { query: { nested: { path: 'tenant', score_mode: 'max', query: { match_all: {} } } } },
  ],
  ['more inner hits than the index allows', wordsQuery('router', 11)],
  ['a page beyond the window', { size: 10_001 }],
  ['a boost that is no number', { query: { multi_match: { query: 'a', type: 'most_fields', fields: ['parts.text^x'] } } }],
  ['broken JSON', '{"query": '],
])('refuses %s', async (_what, body) => {
  await write('1', texts('router'), '?refresh=true')
  expect((await send('POST', '/i/_search', body)).status).toBe(400)
})

test.each([
  ['a field that the mapping does not know', { tenant: 't', surprise: 1 }, 'strict_dynamic_mapping_exception'],
  ['a nested field that the mapping does not know', { parts: [{ txt: 'a' }] }, 'strict_dynamic_mapping_exception'],
  ['text where a number belongs', { size: 'many' }, 'document_parsing_exception'],
  ['an object where a word belongs', { tenant: { id: 't' } }, 'document_parsing_exception'],
  ['a term that is immense', { tenant: 'x'.repeat(40_000) }, 'document_parsing_exception'],
])('refuses a document with %s, and only that one', async (_what, document, type) => {
  const lines = [{ index: { _id: '1', routing: 't' } }, document, { index: { _id: '2', routing: 't' } }, texts('fine')]
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  const { status, items } = await send('POST', '/a/_bulk?refresh=true', body)
  expect([status, items![0]!.index.status, items![0]!.index.error?.type, items![1]!.index.status]).toEqual([200, 400, type, 201])
})

test('refuses a document without routing, and an alias that is not there when one is required', async () => {
  expect((await write('1', texts('a'), '', {})).items![0]!.index.error?.type).toBe('routing_missing_exception')
  const line = `{"index":{"_id":"1","routing":"t"}}\n{}\n`
  const { items } = await send('POST', '/i/_bulk?require_alias=true', line)
  expect(items![0]!.index.error?.type).toBe('index_not_found_exception')
})

test('refuses bulk requests that are not lines in pairs with a newline at the end', async () => {
  expect((await send('POST', '/a/_bulk', '{"index":{"_id":"1","routing":"t"}}\n{}')).status).toBe(400)
  expect((await send('POST', '/a/_bulk', '{"index":{"_id":"1","routing":"t"}}\n')).status).toBe(400)
  expect((await send('POST', '/a/_bulk', '{"indx":{"_id":"1"}}\n{}\n')).status).toBe(400)
  expect((await send('POST', '/a/_bulk?refersh=true', '{"index":{"_id":"1"}}\n{}\n')).status).toBe(400)
})

test('refuses requests without the media types of this version', async () => {
  expect((await send('POST', '/i/_search', {}, { accept: 'application/json' })).type).toBe('media_type_header_exception')
  expect((await send('POST', '/i/_search', {}, { 'content-type': 'application/json' })).type).toBe('media_type_header_exception')
  const bulk = await send('POST', '/a/_bulk', '{"index":{"_id":"1"}}\n{}\n', { 'content-type': JSON_TYPE })
  expect(bulk.type).toBe('media_type_header_exception')
})

test('refuses indexes whose parts do not fit together, and the same index twice', async () => {
  const text = (more: object) => ({ mappings: { dynamic: 'strict', properties: { text: { type: 'text', ...more } } } })
  expect((await send('PUT', '/j', text({ analyzer: 'nobody' }))).type).toBe('mapper_parsing_exception')
  expect((await send('PUT', '/j', text({ similarity: 'nobody' }))).type).toBe('mapper_parsing_exception')
  expect((await send('PUT', '/j', text({ anlyzer: 'standard' }))).status).toBe(400)
  expect((await send('PUT', '/j', { settings: { number_of_shard: 1 }, ...text({}) })).status).toBe(400)
  expect((await send('PUT', '/J', text({}))).type).toBe('invalid_index_name_exception')
  expect((await send('PUT', '/i', text({}))).type).toBe('resource_already_exists_exception')
  expect((await send('PUT', '/i/_mapping', { properties: { tenant: { type: 'integer' } } })).type).toBe(
    'illegal_argument_exception',
  )
  expect((await send('POST', '/nowhere/_search', {})).type).toBe('index_not_found_exception')
})

test('shows what was written after a refresh and not before, and only where the routing leads', async () => {
  await write('1', texts('router'))
  const found = async (query = '') => (await send('POST', `/i/_search${query}`, {})).hits!.hits.length
  expect(await found()).toBe(0)
  await send('GET', '/i/_refresh')
  expect(await found()).toBe(1)
  const index = server.indexes.get('i')!
  const elsewhere = ['u', 'v', 'w', 'x', 'y'].find((routing) => index.shardOf(routing) !== index.shardOf('t'))!
  expect([await found('?routing=t'), await found(`?routing=${elsewhere}`)]).toEqual([1, 0])
})

test('scores nested objects one by one, a rare word above a frequent one and a short text above a long one', async () => {
  await write('1', texts('router manual', 'router manual with many more words in it', 'amber light'), '?refresh=true')
  await write('2', texts('router'), '?refresh=true')
  const { hits } = await send('POST', '/i/_search?routing=t', wordsQuery('router amber'))
  const inner = hits!.hits.find(({ _id }) => _id === '1')!.inner_hits!.parts.hits.hits
  expect(inner.map(({ _source }) => (_source as { text: string }).text)).toEqual([
    'amber light',
    'router manual',
    'router manual with many more words in it',
  ])
  expect(hits!.hits[0]!._score).toBe(inner[0]!._score)
})

test('a deletion by query overlooks what is not refreshed and counts what changed as a conflict', async () => {
  await write('1', texts('router'), '?refresh=true')
  await write('1', texts('router again'))
  await write('2', texts('unseen'))
  const query = { query: { term: { tenant: 't' } } }
  expect(await send('POST', '/i/_delete_by_query?conflicts=proceed', query)).toMatchObject({
    total: 1,
    deleted: 0,
    version_conflicts: 1,
  })
  expect((await send('POST', '/i/_delete_by_query', query)).status).toBe(409)
  expect([...server.indexes.get('i')!.live.keys()]).toEqual(['1', '2'])
})
