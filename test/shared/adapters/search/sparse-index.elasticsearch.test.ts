import { randomUUID } from 'node:crypto'
import { Client } from '@elastic/elasticsearch'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  createElasticsearchSparseIndex,
  type ElasticsearchSparseIndexOptions,
} from '#shared/adapters/search/sparse-index.elasticsearch.ts'
import type { Chunk } from '#shared/domain/document.ts'
import { sparseIndexContract } from '#test/contracts/sparse-index.contract.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'
import { type StrictElasticsearch, startStrictElasticsearch } from '#test/servers/strict-elasticsearch.ts'

const signal = () => AbortSignal.timeout(30_000)
const PUBLIC = { tenantId: 'acme', audiences: ['public'] } as const
const chunksOf = (documentId: string, version: string, size: number): Chunk[] =>
  Array.from({ length: size }, (_, position) =>
    sampleChunk({ documentId, version, position, text: `router manual part ${position} of ${version}` }),
  )
const esError = (status: number, type: string, reason = 'because') => ({
  status,
  body: { error: { type, reason }, status },
  headers: { 'x-elastic-product': 'Elasticsearch', 'content-type': 'application/json' },
})

let server: StrictElasticsearch
let options: ElasticsearchSparseIndexOptions
const open = (more: Partial<ElasticsearchSparseIndexOptions> = {}) => createElasticsearchSparseIndex({ ...options, ...more })
beforeEach(async () => {
  server = await startStrictElasticsearch()
  options = { url: server.url, indexPrefix: 'test' }
  await open().ensure()
})
afterEach(() => server.close())

describe('on the strict stand-in', () => {
  sparseIndexContract('Elasticsearch (stand-in)', open)

  test('creates one index however many start at once, and its alias again when that is gone', async () => {
    await Promise.all(Array.from({ length: 8 }, () => open({ indexPrefix: 'fresh' }).ensure()))
    expect([...server.indexes.keys()]).toEqual(['test_documents_v1', 'fresh_documents_v1'])
    server.aliases.delete('fresh_documents_v1_live')
    await open({ indexPrefix: 'fresh' }).ensure()
    expect(server.aliases.get('fresh_documents_v1_live')).toBe('fresh_documents_v1')
  })

  test('counts what is said more often for more, and cuts a long letter to what it says most', async () => {
    const index = open()
    const passage = (documentId: string, text: string) =>
      index.replaceDocument(
        'acme',
        documentId,
        [sampleChunk({ documentId, version: 'v1', position: 0, title: '', text })],
        signal(),
      )
    await passage('earlier', 'pricing of storage gateway clusters')
    await passage('question', 'refund within days')
    const first = async (query: string) => (await index.search(query, PUBLIC, 5, signal()))[0]?.chunk.documentId
    expect(await first('refund\nstorage gateway clusters')).toBe('earlier')
    expect(await first(`${'refund\n'.repeat(40)}storage gateway clusters`)).toBe('question')
    const letter = Array.from({ length: 200 }, (_, i) => `word${i}`).join(' ')
    expect(await first(`${letter} refund ${letter} refund refund`)).toBe('question')
    expect(await first(`${'the of to '.repeat(50)}${letter} refund`)).toBeUndefined()
  })

  test('adds the fields that an older index lacks, and refuses an index that is not ours', async () => {
    const index = server.indexes.get('test_documents_v1')!
    const { chunk_count: _, ...older } = index.mapping.properties
    index.mapping = { ...index.mapping, properties: older }
    await open().ensure()
    expect(index.mapping.properties).toHaveProperty('chunk_count')
    index.mapping = { ...index.mapping, _meta: {} }
    await expect(open().ensure()).rejects.toMatchObject({ failure: { kind: 'terminal', code: 'search-index-version' } })
  })

  test('never lets the server make up an index: without the alias nothing is written', async () => {
    const index = open()
    await index.ensure()
    server.aliases.clear()
    const write = index.replaceDocument('acme', 'd', chunksOf('d', 'v1', 1), signal())
    await expect(write).rejects.toMatchObject({ failure: { kind: 'terminal', code: 'search-index-missing' } })
  })

  test('finds the best chunks also when more of them stand in one document than a first look brings', async () => {
    const index = open()
    await index.replaceDocument('acme', 'long', chunksOf('long', 'v1', 40), signal())
    await index.replaceDocument('acme', 'short', [sampleChunk({ documentId: 'short', text: 'a router' })], signal())
    const before = server.requests.length
    const all = await index.search('router manual part', PUBLIC, 60, signal())
    expect(all).toHaveLength(41)
    expect(server.requests.length - before).toBe(2)
    const few = await index.search('router manual part', PUBLIC, 5, signal())
    expect(few.map(({ score }) => score)).toEqual(all.slice(0, 5).map(({ score }) => score))
    expect(server.requests.length - before).toBe(3)
  })

  test('documents that are written together travel in one request, and one that is refused harms only itself', async () => {
    const index = open()
    const written = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => {
        const [chunk] = chunksOf(`d${i}`, 'v1', 1)
        const broken = i === 7 ? { ...chunk!, surprise: 'no such field' } : chunk!
        return index.replaceDocument('acme', `d${i}`, [broken], signal())
      }),
    )
    const failed = written.flatMap((each, i) => (each.status === 'rejected' ? [{ i, reason: each.reason as unknown }] : []))
    expect(failed).toHaveLength(1)
    expect(failed[0]).toMatchObject({ i: 7, reason: { failure: { kind: 'terminal', code: 'search-server-rejected' } } })
    expect(String(failed[0]!.reason)).toContain('1 of 12 documents')
    expect(await index.count('acme', signal())).toBe(11)
    expect(server.requests.filter(({ path }) => path.endsWith('/_bulk'))).toHaveLength(1)
  })

  test('a document that the server is too busy for may be tried again, its neighbours are written', async () => {
    const index = open()
    const item = (status: number, error?: object) => ({ index: { _id: 'x', status, ...(error ? { error } : {}) } })
    const rejected = item(429, { type: 'es_rejected_execution_exception', reason: 'queue is full' })
    server.strike(/_bulk/, { ...esError(200, ''), body: { errors: true, items: [item(201), rejected] } })
    const [first, second] = await Promise.allSettled(
      ['a', 'b'].map((id) => index.replaceDocument('acme', id, chunksOf(id, 'v1', 1), signal())),
    )
    expect(first!.status).toBe('fulfilled')
    expect(second).toMatchObject({ reason: { failure: { kind: 'retryable', code: 'search-server-busy' } } })
    expect(String((second as PromiseRejectedResult).reason)).toContain('1 of 2 documents')
  })

  test('a caller who gives up does not take the others along', async () => {
    const index = open()
    const stop = new AbortController()
    const left = index.replaceDocument('acme', 'a', chunksOf('a', 'v1', 1), stop.signal)
    const stayed = index.replaceDocument('acme', 'b', chunksOf('b', 'v1', 1), signal())
    stop.abort(new Error('too late'))
    await expect(left).rejects.toThrow('too late')
    await stayed
    expect(await index.count('acme', signal())).toBe(1)
  })

  test('deletes what no search has seen yet, and says so when somebody writes at the same time', async () => {
    const index = open()
    await index.replaceDocument('acme', 'a', chunksOf('a', 'v1', 2), signal())
    const stored = server.indexes.get('test_documents_v1')!
    const root = { tenant_id: 'acme', document_id: 'b', chunk_count: 1, chunks: chunksOf('b', 'v1', 1) }
    stored.write('acme:b', 'acme', root)
    await index.deleteTenant('acme', signal())
    expect(stored.live.size).toBe(0)
    const conflict = { total: 3, deleted: 2, version_conflicts: 1, failures: [] }
    server.strike(/_delete_by_query/, { ...esError(200, ''), body: conflict })
    const deletion = index.deleteTenant('acme', signal())
    await expect(deletion).rejects.toMatchObject({ failure: { kind: 'retryable', code: 'search-server-conflict' } })
    await expect(deletion).rejects.toThrow('1 of 3')
  })

  test.each([
    [{ ...esError(429, 'circuit_breaking_exception') }, 'retryable', 'search-server-busy'],
    [esError(503, 'unavailable_shards_exception'), 'retryable', 'search-server-unavailable'],
    [esError(403, 'cluster_block_exception'), 'retryable', 'search-server-read-only'],
    [esError(403, 'security_exception'), 'terminal', 'search-server-auth'],
    [esError(400, 'parsing_exception'), 'terminal', 'search-server-rejected'],
    [esError(404, 'index_not_found_exception'), 'terminal', 'search-index-missing'],
    [{ ...esError(200, ''), body: { hits: 'many' } }, 'retryable', 'search-server-bad-reply'],
    [{ status: 502, body: 'a proxy', headers: { 'content-type': 'text/html' } }, 'retryable', 'search-server-unavailable'],
    ['drop', 'retryable', 'search-server-unreachable'],
    ['hang', 'retryable', 'search-server-timeout'],
  ] as const)('turns %j into %s %s, in one request', async (fault, kind, code) => {
    const index = open({ limits: { searchDeadlineMs: 500 } })
    server.strike(/_search/, fault)
    const error: unknown = await index.search('router', PUBLIC, 5, signal()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ failure: { kind, code } })
    expect(await index.search('router', PUBLIC, 5, signal())).toEqual([])
    expect(server.requests.filter(({ path }) => path.endsWith('/_search'))).toHaveLength(2)
  })

  test('waits as long as the server asks', async () => {
    const busy = esError(429, 'circuit_breaking_exception')
    server.strike(/_search/, { ...busy, headers: { ...busy.headers, 'retry-after': '37' } })
    await expect(open().search('router', PUBLIC, 5, signal())).rejects.toMatchObject({ failure: { retryAfterMs: 37_000 } })
  })

  test('works again as soon as a server that was down is back', async () => {
    const index = open()
    await index.replaceDocument('acme', 'a', chunksOf('a', 'v1', 1), signal())
    server.strike(/./, 'drop')
    server.strike(/./, 'drop')
    await expect(index.count('acme', signal())).rejects.toMatchObject({ failure: { code: 'search-server-unreachable' } })
    expect(await index.health(signal())).toMatchObject({ ok: false })
    expect(await index.count('acme', signal())).toBe(1)
    expect(await index.health(signal())).toMatchObject({ ok: true })
  })
})

test('sends the key, and a wrong one is refused for good', async () => {
  const locked = await startStrictElasticsearch({ apiKey: 'right' })
  try {
    await createElasticsearchSparseIndex({ url: locked.url, apiKey: 'right' }).ensure()
    const wrong = createElasticsearchSparseIndex({ url: locked.url, apiKey: 'wrong' })
    await expect(wrong.ensure()).rejects.toMatchObject({ failure: { kind: 'terminal', code: 'search-server-auth' } })
  } finally {
    await locked.close()
  }
})

const realUrl = process.env['ELASTICSEARCH_URL']
describe.skipIf(realUrl === undefined)('on the real server (needs ELASTICSEARCH_URL)', () => {
  const prefix = `test-${randomUUID()}`
  const real = { url: realUrl!, apiKey: process.env['ELASTICSEARCH_API_KEY'], indexPrefix: prefix }
  vi.setConfig({ testTimeout: realUrl === undefined ? 60_000 : 600_000 })

  beforeAll(() => createElasticsearchSparseIndex(real).ensure())
  beforeEach(async () => {
    for (const tenantId of ['acme', 'globex']) await createElasticsearchSparseIndex(real).deleteTenant(tenantId, signal())
  })
  afterAll(async () => {
    if (realUrl === undefined) return
    const client = new Client({ node: realUrl, ...(real.apiKey === undefined ? {} : { auth: { apiKey: real.apiKey } }) })
    await client.indices.delete({ index: `${prefix}_documents_v1` })
  })

  sparseIndexContract('Elasticsearch (real)', () => createElasticsearchSparseIndex(real))
})
