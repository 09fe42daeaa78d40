import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { createQdrantDenseIndex, type QdrantDenseIndexOptions } from '#shared/adapters/search/dense-index.qdrant.ts'
import { ownCollections, qdrantApi } from '#shared/adapters/search/qdrant-collection.ts'
import type { Clock } from '#shared/ports/clock.ts'
import { denseIndexContract } from '#test/contracts/dense-index.contract.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'
import { type StrictQdrant, startStrictQdrant } from '#test/servers/strict-qdrant.ts'

const embedder = new HashEmbedder(64)
const signal = () => AbortSignal.timeout(30_000)
const PUBLIC = { tenantId: 'acme', audiences: ['public'] } as const

/** A clock that stands still until somebody waits: then it is at once as late as was waited for. */
function waitedClock(): Pick<QdrantDenseIndexOptions, 'clock' | 'waitUntil'> & { clock: Clock; advance: (ms: number) => void } {
  let nowMs = Date.UTC(2026, 10, 21)
  return {
    clock: { now: () => new Date(nowMs), random: Math.random },
    waitUntil: async (at) => {
      nowMs = Math.max(nowMs, at.getTime())
    },
    advance: (ms) => {
      nowMs += ms
    },
  }
}

let server: StrictQdrant
beforeEach(async () => {
  server = await startStrictQdrant()
})
afterEach(() => server.close())

const itemsOf = async (documentId: string, version: string, size: number) => {
  const chunks = Array.from({ length: size }, (_, position) =>
    sampleChunk({ documentId, version, position, text: `router manual part ${position} of ${version}` }),
  )
  const vectors = await embedder.embed(
    chunks.map(({ text }) => text),
    'document',
    signal(),
  )
  return chunks.map((chunk, i) => ({ chunk, vector: vectors[i]! }))
}
const query = async () => (await embedder.embed(['router manual part'], 'query', signal()))[0]!

describe('on the strict stand-in', () => {
  let options: QdrantDenseIndexOptions & ReturnType<typeof waitedClock>
  beforeEach(async () => {
    options = { url: server.url, embedder, collectionPrefix: 'test', ...waitedClock() }
    await createQdrantDenseIndex(options).ensure()
  })

  denseIndexContract('Qdrant (stand-in)', embedder, () => createQdrantDenseIndex(options))

  test('creates one collection however many start at once, and migrates one that lacks an index', async () => {
    const prefix = 'fresh'
    const many = Array.from({ length: 8 }, () => createQdrantDenseIndex({ ...options, collectionPrefix: prefix }))
    await Promise.all(many.map((index) => index.ensure()))
    const [name, ...more] = await ownCollections(qdrantApi(options), prefix, signal())
    expect(more).toEqual([])
    const collection = server.collections.get(name!)!
    expect(collection.params).toMatchObject({ vectors: { size: 64, distance: 'Cosine' }, hnsw_config: { m: 0, payload_m: 16 } })
    expect(collection.indexes.get('tenant_id')).toEqual({ type: 'keyword', is_tenant: true })
    collection.indexes.delete('language')
    await createQdrantDenseIndex({ ...options, collectionPrefix: prefix }).ensure()
    expect(collection.indexes.get('language')).toMatchObject({ type: 'keyword' })
  })

  test('keeps the vectors of two embedders apart, and deletes from both', async () => {
    const other = { id: 'another-64', dimensions: 64 }
    const [a, b] = [createQdrantDenseIndex(options), createQdrantDenseIndex({ ...options, embedder: other })]
    await a.replaceDocument('acme', 'd', await itemsOf('d', 'v1', 3), signal())
    expect(await a.count('acme', signal())).toBe(3)
    await b.replaceDocument('acme', 'd', await itemsOf('d', 'v1', 2), signal())
    expect([await a.count('acme', signal()), await b.count('acme', signal())]).toEqual([3, 2])
    await b.deleteTenant('acme', signal())
    expect([...server.collections.values()].map(({ points }) => points.size)).toEqual([0, 0])
  })

  test('refuses a collection of its name that holds other vectors', async () => {
    const api = qdrantApi(options)
    const index = createQdrantDenseIndex({ ...options, collectionPrefix: 'foreign' })
    await index.ensure()
    const [name] = await ownCollections(api, 'foreign', signal())
    await api.deleteCollection({ collection_name: name! })
    await api.createCollection({ collection_name: name!, vectors: { size: 64, distance: 'Dot' } })
    const again = createQdrantDenseIndex({ ...options, collectionPrefix: 'foreign' })
    await expect(again.ensure()).rejects.toMatchObject({ failure: { kind: 'terminal', code: 'search-index-version' } })
  })

  test('a writer that dies after writing chunks shows none of them, and its leftovers are removed', async () => {
    const index = createQdrantDenseIndex({ ...options, limits: { endedKeptMs: 1 } })
    await index.replaceDocument('acme', 'd', await itemsOf('d', 'v1', 3), signal())
    server.strike(/points\/batch/, 'drop')
    const died = index.replaceDocument('acme', 'd', await itemsOf('d', 'v2', 4), signal())
    await expect(died).rejects.toMatchObject({ failure: { kind: 'retryable', code: 'search-server-unreachable' } })
    const hits = await index.search(await query(), PUBLIC, 20, signal())
    expect(hits.map(({ chunk }) => chunk.version)).toEqual(['v1', 'v1', 'v1'])
    expect(await index.count('acme', signal())).toBe(3)
    options.advance(2 * 3_600_000)
    await index.replaceDocument('acme', 'd', await itemsOf('d', 'v3', 2), signal())
    options.advance(1_000)
    const [stored] = server.collections.values()
    await vi.waitFor(() => expect(stored!.points.size).toBe(2), 20_000)
  })

  test('a server that dies between the two halves of the change still shows one version in every answer', async () => {
    const index = createQdrantDenseIndex(options)
    await index.replaceDocument('acme', 'd', await itemsOf('d', 'v1', 3), signal())
    await index.replaceDocument('acme', 'd', await itemsOf('d', 'v2', 4), signal())
    const [stored] = server.collections.values()
    for (const point of stored!.points.values()) delete point.payload['visible_until']
    const hits = await index.search(await query(), PUBLIC, 20, signal())
    expect(hits.map(({ chunk }) => chunk.version)).toEqual(['v2', 'v2', 'v2', 'v2'])
  })

  test('of two writers of one document exactly one version stays, whoever came first', async () => {
    for (let round = 0; round < 10; round++) {
      const writers = ['left', 'right', 'middle'].map(() => createQdrantDenseIndex(options))
      await Promise.all(
        writers.map(async (writer, i) => writer.replaceDocument('acme', 'd', await itemsOf('d', `r${round}w${i}`, 3), signal())),
      )
      options.advance(60_000)
      const hits = await writers[0]!.search(await query(), PUBLIC, 20, signal())
      expect(hits).toHaveLength(3)
      expect(new Set(hits.map(({ chunk }) => chunk.version)).size).toBe(1)
      expect(await writers[0]!.count('acme', signal())).toBe(3)
    }
  })

  test('a version written by a clock that is ahead is followed all the same, or refused when waiting is no use', async () => {
    const ahead = waitedClock()
    ahead.advance(4_000)
    await createQdrantDenseIndex({ ...options, ...ahead }).replaceDocument('acme', 'd', await itemsOf('d', 'v1', 2), signal())
    const index = createQdrantDenseIndex(options)
    await index.replaceDocument('acme', 'd', await itemsOf('d', 'v2', 2), signal())
    options.advance(10_000)
    const hits = await index.search(await query(), PUBLIC, 20, signal())
    expect(hits.map(({ chunk }) => chunk.version)).toEqual(['v2', 'v2'])
    ahead.advance(3_600_000)
    await createQdrantDenseIndex({ ...options, ...ahead }).replaceDocument('acme', 'd', await itemsOf('d', 'v3', 2), signal())
    const late = index.replaceDocument('acme', 'd', await itemsOf('d', 'v4', 2), signal())
    await expect(late).rejects.toMatchObject({ failure: { kind: 'retryable', code: 'search-clock-skew' } })
  })

  test('a document of many chunks is written in several requests and appears at once', async () => {
    const index = createQdrantDenseIndex(options)
    await index.replaceDocument('acme', 'd', await itemsOf('d', 'v1', 300), signal())
    expect(server.requests.filter(({ method, path }) => method === 'PUT' && path.endsWith('/points'))).toHaveLength(3)
    expect(await index.count('acme', signal())).toBe(300)
  })

  test.each([
    [{ status: 429, body: { status: { error: 'rate' } }, headers: { 'retry-after': '37' } }, 'retryable', 'search-server-busy'],
    [{ status: 429, body: { status: { error: 'rate' } } }, 'retryable', 'search-server-busy'],
    [{ status: 503, body: { status: { error: 'starting' } } }, 'retryable', 'search-server-unavailable'],
    [{ status: 500, body: 'broken' }, 'retryable', 'search-server-unavailable'],
    [{ status: 400, body: { status: { error: 'bad filter' } } }, 'terminal', 'search-server-rejected'],
    [{ status: 401, body: { status: { error: 'key' } } }, 'terminal', 'search-server-auth'],
    [{ status: 404, body: { status: { error: 'no collection' } } }, 'terminal', 'search-index-missing'],
    [{ status: 200, body: { result: { points: [{ score: 'high' }] } } }, 'retryable', 'search-server-bad-reply'],
    ['drop', 'retryable', 'search-server-unreachable'],
    ['hang', 'retryable', 'search-server-timeout'],
  ] as const)('turns %j into %s %s', async (fault, kind, code) => {
    const index = createQdrantDenseIndex({ ...options, limits: { searchDeadlineMs: 500 } })
    server.strike(/points\/query/, fault)
    const error: unknown = await index.search(await query(), PUBLIC, 5, signal()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ failure: { kind, code } })
    expect(await index.search(await query(), PUBLIC, 5, signal())).toEqual([])
    expect(server.requests.filter(({ path }) => path.endsWith('/points/query'))).toHaveLength(2)
  })

  test('waits no shorter than the server asks, though the client hands on one digit of it', async () => {
    server.strike(/points\/query/, { status: 429, body: {}, headers: { 'retry-after': '37' } })
    const error: unknown = await createQdrantDenseIndex(options)
      .search(await query(), PUBLIC, 5, signal())
      .catch((thrown: unknown) => thrown)
    expect((error as { failure: { retryAfterMs: number } }).failure.retryAfterMs).toBeGreaterThanOrEqual(37_000)
  })

  test('gives up when told to while the server is silent', async () => {
    const stop = new AbortController()
    server.strike(/points\/query/, 'hang')
    const search = createQdrantDenseIndex(options).search(await query(), PUBLIC, 5, stop.signal)
    stop.abort(new Error('too late'))
    await expect(search).rejects.toThrow('too late')
  })

  test('says that it is unwell instead of throwing', async () => {
    const index = createQdrantDenseIndex({ ...options, collectionPrefix: 'elsewhere' })
    expect(await index.health(signal())).toMatchObject({ ok: false })
    await server.close()
    expect(await index.health(signal())).toMatchObject({ ok: false, detail: expect.stringContaining('unreachable') })
    server = await startStrictQdrant()
  })
})

describe('with a key', () => {
  test('sends the key, and a wrong one is refused for good', async () => {
    const locked = await startStrictQdrant({ apiKey: 'right' })
    try {
      await createQdrantDenseIndex({ url: locked.url, apiKey: 'right', embedder, ...waitedClock() }).ensure()
      const wrong = createQdrantDenseIndex({ url: locked.url, apiKey: 'wrong', embedder, ...waitedClock() })
      await expect(wrong.ensure()).rejects.toMatchObject({ failure: { kind: 'terminal', code: 'search-server-auth' } })
    } finally {
      await locked.close()
    }
  })
})

const realUrl = process.env['QDRANT_URL']
describe.skipIf(realUrl === undefined)('on the real server (needs QDRANT_URL)', () => {
  const apiKey = process.env['QDRANT_API_KEY']
  const prefix = `test-${randomUUID()}`
  let options: QdrantDenseIndexOptions
  vi.setConfig({ testTimeout: realUrl === undefined ? 60_000 : 600_000 })

  beforeAll(() => {
    options = { url: realUrl!, apiKey, embedder, collectionPrefix: prefix }
  })
  beforeEach(async () => {
    const index = createQdrantDenseIndex(options)
    await index.ensure()
    for (const tenantId of ['acme', 'globex']) await index.deleteTenant(tenantId, signal())
  })
  afterAll(async () => {
    if (realUrl === undefined) return
    const api = qdrantApi(options)
    for (const name of await ownCollections(api, prefix, signal())) await api.deleteCollection({ collection_name: name })
  })

  denseIndexContract('Qdrant (real)', embedder, () => createQdrantDenseIndex(options))
})
