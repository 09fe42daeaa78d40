import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { systemClock } from '#shared/adapters/state/clock.system.ts'
import { readConfig } from '#shared/config.ts'
import { createSearch } from '#shared/wiring-search.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'
import { startStrictElasticsearch } from '#test/servers/strict-elasticsearch.ts'
import { startStrictQdrant } from '#test/servers/strict-qdrant.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'answerline-wiring-'))
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))
const signal = () => AbortSignal.timeout(10_000)

test('each leg lives where the configuration says, and both together answer a search', async () => {
  const qdrant = await startStrictQdrant()
  const elasticsearch = await startStrictElasticsearch()
  const config = readConfig({ DATA_DIR: dataDir, QDRANT_URL: qdrant.url, ELASTICSEARCH_URL: elasticsearch.url })
  const search = await createSearch(config, systemClock)
  try {
    // With all that a chunk may say of itself: the servers' mappings take no field that they do not know.
    const about = {
      page: 3,
      context: 'About the battery of the sensor.',
      language: 'en',
      url: 'https://x.example/b',
      modifiedAt: '2026-01-02T00:00:00Z',
    }
    const chunk = sampleChunk({
      documentId: 'breeze',
      text: 'The Breeze uses one CR2450 coin cell.',
      product: 'breeze',
      ...about,
    })
    const [vector] = await search.embedder.embed([chunk.text], 'document', signal())
    await search.dense.replaceDocument('acme', chunk.documentId, [{ chunk, vector: vector! }], signal())
    await search.sparse.replaceDocument('acme', chunk.documentId, [chunk], signal())
    const found = await search.searcher.search(
      { query: 'Which coin cell does the Breeze use?', filter: { tenantId: 'acme', audiences: ['public'] } },
      signal(),
    )
    expect(found.failedLegs).toEqual([])
    expect(found.passages.map(({ text }) => text)).toEqual([chunk.text])
    expect((await search.dense.health(signal())).ok && (await search.sparse.health(signal())).ok).toBe(true)
  } finally {
    await search.closeSearch()
    await Promise.all([qdrant.close(), elasticsearch.close()])
  }
})

test('a configured server that does not answer fails the start instead of leaving a leg out', async () => {
  const config = readConfig({ DATA_DIR: dataDir, QDRANT_URL: 'http://127.0.0.1:9' })
  await expect(createSearch(config, systemClock)).rejects.toThrow()
})
