import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { SqliteDenseIndex } from '#shared/adapters/search/dense-index.sqlite.ts'
import type { Embedder } from '#shared/ports/embedder.ts'
import { MemoryDocumentStore } from '#test/fakes/document-store.memory.ts'
import { MemoryKnowledge } from '#test/fakes/knowledge.memory.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'
import { memorySearchSpace } from '#test/fakes/search-space.memory.ts'
import { MemorySparseIndex } from '#test/fakes/sparse-index.memory.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { rebuildIndex } from '#workers/rebuild-index.ts'
import { index } from '#workers/steps/index-chunks.ts'

const signal = AbortSignal.timeout(60_000)
const named = (id: string, dimensions: number): Embedder => {
  const inner = new HashEmbedder(dimensions)
  return { id, dimensions, embed: (texts, kind, stop) => inner.embed(texts, kind, stop) }
}
const OLD = named('old', 32)
const NEW = named('new', 64)
const clock = { now: () => new Date('2026-11-21T12:00:00Z') }

let folder = ''
let documents = new MemoryDocumentStore()
const open: SqliteDenseIndex[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'answerline-rebuild-'))
  documents = new MemoryDocumentStore()
})
afterEach(async () => {
  for (const each of open.splice(0)) each.close()
  await rm(folder, { recursive: true })
})

function doorsOf(embedder: Embedder, space: ReturnType<typeof memorySearchSpace>, sparse: MemorySparseIndex) {
  const dense = new SqliteDenseIndex({ folder: join(folder, embedder.id), embedder })
  open.push(dense)
  return { documents, embedder, dense, sparse, knowledge: new MemoryKnowledge(), space, clock }
}
async function store(id: string, contentHash: string, text: string) {
  documents.put({ id, tenantId: 'acme', title: id, text, contentType: 'text/plain', audience: 'public', contentHash })
  await documents.saveChunks('acme', id, contentHash, [sampleChunk({ documentId: id, text, version: contentHash })])
}
const served = async ({ dense, embedder }: ReturnType<typeof doorsOf>) => {
  const [query] = await embedder.embed(['hub'], 'query', signal)
  const hits = await dense.search(query!, { tenantId: 'acme', audiences: ['public'] }, 50, signal)
  return hits.map(({ chunk }) => `${chunk.documentId} ${chunk.version}`).toSorted()
}

describe('a rebuild', () => {
  test('builds beside what serves, switches, and catches up with what changed meanwhile', async () => {
    const space = memorySearchSpace('old')
    const sparse = new MemorySparseIndex()
    const [before, after] = [doorsOf(OLD, space, sparse), doorsOf(NEW, space, sparse)]
    for (const id of ['a', 'b', 'c']) await store(id, 'v1', `the hub of ${id}`)
    await rebuildIndex(['acme'], before, () => {}, signal)
    const switchTo = space.switchTo.bind(space)
    space.switchTo = async (...call) => {
      // Everything is there before the switch, and the old one is whole.
      expect(await served(after)).toEqual(['a v1', 'b v1', 'c v1'])
      expect(await served(before)).toEqual(['a v1', 'b v1', 'c v1'])
      await store('a', 'v2', 'the hub of a, changed')
      await store('d', 'v1', 'the hub of d')
      documents.delete('acme', 'c')
      await switchTo(...call)
    }
    const progress: number[] = []
    const rebuilt = await rebuildIndex(['acme'], after, (done) => progress.push(done), signal)
    expect(await space.current()).toBe('new')
    expect(await served(after)).toEqual(['a v2', 'b v1', 'd v1'])
    expect(await sparse.count('acme')).toBe(3)
    expect(rebuilt).toEqual({ documents: 4, chunks: 5, computed: 5 })
    expect(progress).toEqual([1, 2, 3, 4])
    expect(await after.knowledge.version('acme')).toBe('1')
  })

  test('that broke off pays for nothing twice', async () => {
    const space = memorySearchSpace('old')
    const after = doorsOf(NEW, space, new MemorySparseIndex())
    for (const id of ['a', 'b']) await store(id, 'v1', `the hub of ${id}`)
    const stop = new AbortController()
    await expect(rebuildIndex(['acme'], after, () => stop.abort(new Error('stopped')), stop.signal)).rejects.toThrow('stopped')
    expect(await space.current()).toBe('old')
    expect(await rebuildIndex(['acme'], after, () => {}, signal)).toMatchObject({ documents: 2, computed: 1 })
  })

  test('from then on whoever embeds in the old way may not write, and tries again', async () => {
    const space = memorySearchSpace('new')
    const before = doorsOf(OLD, space, new MemorySparseIndex())
    await store('a', 'v1', 'the hub')
    const tenant = { ...stepContext().tenant, id: 'acme' }
    const work = index({ document: { documentId: 'a', contentHash: 'v1' } }, before, stepContext({ tenant }))
    await expect(work).rejects.toMatchObject({ failure: { kind: 'retryable', code: 'embedder-changed' } })
    expect(await before.dense.count('acme')).toBe(0)
  })
})
