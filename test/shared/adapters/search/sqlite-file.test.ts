import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { SqliteDenseIndex } from '#shared/adapters/search/dense-index.sqlite.ts'
import { SqliteSparseIndex } from '#shared/adapters/search/sparse-index.sqlite.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'

const signal = () => AbortSignal.timeout(30_000)
const PUBLIC = { tenantId: 'acme', audiences: ['public'] } as const
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'answerline-sqlite-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('three processes write one tenant while a fourth reads: every document is whole in every answer, and nothing is lost', async () => {
  const embedder = new HashEmbedder(64)
  const dense = new SqliteDenseIndex({ folder: join(folder, 'dense'), embedder })
  const sparse = new SqliteSparseIndex({ folder: join(folder, 'sparse') })
  const script = join(import.meta.dirname, 'write-versions.ts')
  const writers = ['a', 'b', 'c'].map((documentId) =>
    spawn(process.execPath, [script, folder, documentId, '40'], { stdio: 'inherit' }),
  )
  let running = true
  const ended = Promise.all(writers.map((writer) => once(writer, 'exit'))).then((codes) => {
    running = false
    return codes.map(([code]) => code)
  })
  const [query] = await embedder.embed(['router manual part'], 'query', signal())
  let answers = 0
  while (running) {
    for (const hits of [
      await dense.search(query!, PUBLIC, 50, signal()),
      await sparse.search('router manual part', PUBLIC, 50, signal()),
    ]) {
      const byDocument = Map.groupBy(hits, ({ chunk }) => chunk.documentId)
      for (const [documentId, ofDocument] of byDocument) {
        const versions = new Set(ofDocument.map(({ chunk }) => chunk.version))
        expect(versions.size, `versions of ${documentId}`).toBe(1)
        expect(ofDocument).toHaveLength(3 + (Number([...versions][0]!.slice(1)) % 3))
      }
      answers += byDocument.size
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await ended).toEqual([0, 0, 0])
  expect(answers).toBeGreaterThan(0)
  for (const hits of [
    await dense.search(query!, PUBLIC, 50, signal()),
    await sparse.search('router manual part', PUBLIC, 50, signal()),
  ]) {
    expect(new Set(hits.map(({ chunk }) => `${chunk.documentId} ${chunk.version}`))).toEqual(new Set(['a v40', 'b v40', 'c v40']))
  }
  dense.close()
  sparse.close()
}, 60_000)

test('what was indexed is there after the process went, and vectors of another embedder are refused', async () => {
  const small = new HashEmbedder(64)
  const first = new SqliteDenseIndex({ folder, embedder: small })
  const [vector] = await small.embed(['router'], 'document', signal())
  const chunk = sampleChunk({ documentId: 'a', text: 'router' })
  await first.replaceDocument('acme', 'a', [{ chunk, vector: vector! }], signal())
  first.close()
  const again = new SqliteDenseIndex({ folder, embedder: small })
  expect((await again.search(vector!, PUBLIC, 5, signal())).map((hit) => hit.chunk)).toEqual([chunk])
  again.close()
  const other = new SqliteDenseIndex({ folder, embedder: { id: 'another-64', dimensions: 64 } })
  const refusal = { failure: { kind: 'terminal', code: 'embedder-changed' } }
  await expect(other.search(vector!, PUBLIC, 5, signal())).rejects.toMatchObject(refusal)
  await expect(other.replaceDocument('acme', 'b', [{ chunk, vector: vector! }], signal())).rejects.toMatchObject(refusal)
  other.close()
})

test('tenants that were idle longest leave memory first, and are right when they come back', async () => {
  const embedder = new HashEmbedder(64)
  const index = new SqliteDenseIndex({ folder, embedder, maxMatrixBytes: 300_000 })
  const [vector] = await embedder.embed(['router'], 'query', signal())
  const tenants = ['t1', 't2', 't3', 't4', 't5']
  for (let round = 0; round < 3; round++) {
    for (const tenantId of tenants) {
      const chunk = sampleChunk({ documentId: `r${round}`, text: `router of ${tenantId}` })
      await index.replaceDocument(tenantId, `r${round}`, [{ chunk, vector: vector! }], signal())
      const hits = await index.search(vector!, { tenantId, audiences: ['public'] }, 10, signal())
      expect(hits.map((hit) => hit.chunk.text)).toEqual(Array(round + 1).fill(`router of ${tenantId}`))
    }
  }
  index.close()
})

test('a file of before knew no positions; it is brought up to date when it is opened, and finds what it found', async () => {
  const chunks = [0, 1, 2].map((position) => sampleChunk({ documentId: 'a', position, text: `router part ${position}` }))
  const before = new SqliteSparseIndex({ folder })
  await before.replaceDocument('acme', 'a', chunks, signal())
  before.close()
  const file = new DatabaseSync(join(folder, 'acme.sqlite'))
  file.exec(`DROP INDEX chunk_place; ALTER TABLE chunk DROP COLUMN position;
    CREATE INDEX chunk_document ON chunk (document_id); PRAGMA user_version = 2`)
  file.close()
  const index = new SqliteSparseIndex({ folder })
  const filter = { tenantId: 'acme', audiences: ['public'] } as const
  expect(await index.search('router', filter, 10, signal())).toHaveLength(3)
  expect((await index.chunksAt(filter, 'a', [0, 2], signal())).map(({ text }) => text)).toEqual([
    'router part 0',
    'router part 2',
  ])
  index.close()
})

test('a file of another format, a file that is no database and a name that is no tenant are refused by name', async () => {
  const newer = new DatabaseSync(join(folder, 'acme.sqlite'))
  newer.exec('PRAGMA user_version = 99')
  newer.close()
  writeFileSync(join(folder, 'junk.sqlite'), 'x'.repeat(10_000))
  const index = new SqliteSparseIndex({ folder })
  const search = (tenantId: string) => index.search('router', { tenantId, audiences: ['public'] }, 5, signal())
  await expect(search('acme')).rejects.toMatchObject({ failure: { kind: 'terminal', code: 'search-index-version' } })
  await expect(search('junk')).rejects.toMatchObject({ failure: { kind: 'terminal', code: 'search-index-corrupt' } })
  await expect(search('../acme')).rejects.toThrow('is not a tenant id')
  index.close()
})

test('waits for another writer and goes on, without stopping the event loop for long', async () => {
  const index = new SqliteSparseIndex({ folder })
  await index.replaceDocument('acme', 'a', [sampleChunk({ documentId: 'a', text: 'router' })], signal())
  const other = new DatabaseSync(join(folder, 'acme.sqlite'))
  other.exec('BEGIN IMMEDIATE')
  const write = index.replaceDocument('acme', 'b', [sampleChunk({ documentId: 'b', text: 'router' })], signal())
  let turns = 0
  while (turns < 3) {
    await new Promise((resolve) => setImmediate(resolve))
    turns++
  }
  expect(await index.count('acme')).toBe(1)
  other.exec('COMMIT')
  other.close()
  await write
  expect(await index.count('acme')).toBe(2)
  index.close()
})
