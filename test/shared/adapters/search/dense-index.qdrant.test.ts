import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { createQdrantDenseIndex, type QdrantDenseIndexOptions } from '#shared/adapters/search/dense-index.qdrant.ts'
import { ownCollections, qdrantApi } from '#shared/adapters/search/qdrant-collection.ts'
import { endOthers, finishChange, openChange, payloadOf, tidyUp } from '#shared/adapters/search/qdrant-versions.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { DenseIndex } from '#shared/ports/search-index.ts'
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

  const versionsSeen = async (index: DenseIndex) =>
    (await index.search(await query(), PUBLIC, 50, signal())).map(({ chunk }) => chunk.version)

  test.each([false, true])(
    'at whatever request a writer dies (done, but unheard: %s), one whole version is seen',
    async (after) => {
      const index = createQdrantDenseIndex({ ...options, limits: { endedKeptMs: 1 } })
      let deaths = 0
      for (let survived = 0; ; survived++, deaths++) {
        await index.replaceDocument('acme', 'd', await itemsOf('d', 'v1', 3), signal())
        // The next requests fail too: a dead writer cannot even say that it gives up.
        server.strike(/./, 'drop', { skip: survived, times: 3, after })
        const writer = createQdrantDenseIndex(options)
        const error: unknown = await writer
          .ensure()
          .then(async () => writer.replaceDocument('acme', 'd', await itemsOf('d', 'v2', 4), signal()))
          .catch((thrown: unknown) => thrown)
        server.calm()
        const seen = await versionsSeen(index)
        expect([['v1', 'v1', 'v1'], Array(4).fill('v2')]).toContainEqual(seen)
        expect(await index.count('acme', signal())).toBe(seen.length)
        options.advance(121_000)
        if (error === undefined) break
        expect(error).toMatchObject({ failure: { kind: 'retryable', code: 'search-server-unreachable' } })
      }
      expect(deaths).toBeGreaterThan(6)
      options.advance(3_600_000)
      await index.replaceDocument('acme', 'd', await itemsOf('d', 'v3', 2), signal())
      expect(await versionsSeen(index)).toEqual(['v3', 'v3'])
      const [stored] = server.collections.values()
      await vi.waitFor(() => expect(stored!.points.size).toBe(2), 20_000)
      expect(await versionsSeen(index)).toEqual(['v3', 'v3'])
    },
  )

  test('a change that half took place counts as none until it is finished', async () => {
    const index = createQdrantDenseIndex(options)
    await index.replaceDocument('acme', 'd', await itemsOf('d', 'v1', 3), signal())
    const replaced = index.replaceDocument('acme', 'd', await itemsOf('d', 'v2', 4), signal())
    server.strike(/points.payload$/, { status: 503, body: {} }, { after: true })
    await expect(replaced).rejects.toMatchObject({ failure: { code: 'search-server-unavailable' } })
    const [stored] = server.collections.values()
    expect([...stored!.points.values()].filter(({ payload }) => 'visible_until' in payload)).toHaveLength(3)
    options.advance(60_000)
    expect(await versionsSeen(index)).toEqual(['v1', 'v1', 'v1'])
    await index.replaceDocument('acme', 'd', await itemsOf('d', 'v3', 2), signal())
    expect(await versionsSeen(index)).toEqual(['v3', 'v3'])
  })

  test('of writers of one document all but one are told to come again, and one version stays', async () => {
    const untilDone = async (version: string) => {
      for (;;) {
        const items = await itemsOf('d', version, 3)
        const error: unknown = await createQdrantDenseIndex(options)
          .replaceDocument('acme', 'd', items, signal())
          .catch((thrown: unknown) => thrown)
        if (error === undefined) return
        expect(error).toMatchObject({ failure: { kind: 'retryable', code: 'search-document-busy' } })
        await delay(50 * Math.random())
      }
    }
    for (let round = 0; round < 3; round++) {
      await Promise.all(['left', 'right', 'middle'].map((writer) => untilDone(`${round} ${writer}`)))
      const seen = await versionsSeen(createQdrantDenseIndex(options))
      expect(seen).toHaveLength(3)
      expect(new Set(seen).size).toBe(1)
    }
  })

  test('a writer that comes back after another took over changes nothing any more', async () => {
    const index = createQdrantDenseIndex(options)
    await index.replaceDocument('acme', 'd', await itemsOf('d', 'v1', 3), signal())
    const [collection] = await ownCollections(qdrantApi(options), 'test', signal())
    const nowMs = () => options.clock.now().getTime()
    const store = { api: qdrantApi(options), collection: collection!, dimensions: 64, nowMs, signal: signal() }
    const sleeper = await openChange(store, { tenantId: 'acme', documentId: 'd' }, 250)
    options.advance(121_000)
    await index.replaceDocument('acme', 'd', await itemsOf('d', 'v2', 4), signal())
    const points = (await itemsOf('d', 'late', 2)).map(({ chunk, vector }) => ({
      id: randomUUID(),
      vector: Array.from(vector),
      payload: payloadOf(sleeper, chunk),
    }))
    await store.api.upsertPoints({ collection_name: collection!, wait: true, points })
    await endOthers(store, sleeper)
    await expect(finishChange(store, sleeper)).rejects.toMatchObject({ failure: { code: 'search-document-busy' } })
    expect(await versionsSeen(index)).toEqual(Array(4).fill('v2'))
    options.advance(1_200_000)
    await tidyUp(store, 'acme', 90_000)
    expect(await versionsSeen(index)).toEqual(Array(4).fill('v2'))
    expect(server.collections.get(collection!)!.points.size).toBe(4)
  })

  test('readers whose clocks differ within the limit see whole versions, and the new one once it is written', async () => {
    const index = createQdrantDenseIndex(options)
    const readers = [-250, 0, 250].map((offsetMs) => {
      const now = () => new Date(options.clock.now().getTime() + offsetMs)
      return createQdrantDenseIndex({ ...options, clock: { now, random: Math.random } })
    })
    await index.replaceDocument('acme', 'd', await itemsOf('d', 'v0', 3), signal())
    for (let n = 1; n <= 10; n++) {
      let writing = true
      const written = index.replaceDocument('acme', 'd', await itemsOf('d', `v${n}`, 3 + n), signal()).finally(() => {
        writing = false
      })
      while (writing) {
        for (const seen of await Promise.all(readers.map(versionsSeen))) {
          expect(new Set(seen).size).toBe(1)
          expect(seen).toHaveLength(3 + Number(seen[0]!.slice(1)))
        }
      }
      await written
      for (const reader of readers) expect(await versionsSeen(reader)).toEqual(Array(3 + n).fill(`v${n}`))
    }
  })

  test('a document of many chunks is written in several requests and appears at once', async () => {
    const index = createQdrantDenseIndex(options)
    await index.replaceDocument('acme', 'd', await itemsOf('d', 'v1', 300), signal())
    expect(server.requests.filter(({ method, path }) => method === 'PUT' && path.endsWith('/points'))).toHaveLength(1 + 3)
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
