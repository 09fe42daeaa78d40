import { beforeEach, describe, expect, test } from 'vitest'
import { indexDocument } from '#pipelines/index-document.ts'
import { attemptsOf } from '#pipelines/retry.ts'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { DOCX, type SourceDocument } from '#shared/domain/document.ts'
import { retryable } from '#shared/domain/failure.ts'
import { Tenant, TenantConfig } from '#shared/domain/tenant.ts'
import type { DenseIndex, SparseIndex } from '#shared/ports/search-index.ts'
import { MemoryDenseIndex } from '#test/fakes/dense-index.memory.ts'
import { MemoryDocumentStore } from '#test/fakes/document-store.memory.ts'
import { MemoryKnowledge } from '#test/fakes/knowledge.memory.ts'
import { encryptedPdf, samplePdf, zipBomb } from '#test/fakes/sample-files.ts'
import { memorySearchSpace } from '#test/fakes/search-space.memory.ts'
import { MemorySparseIndex } from '#test/fakes/sparse-index.memory.ts'
import { memoryExtractor } from '#test/fakes/text-extractor.memory.ts'
import type { StepContext } from '#workers/step.ts'
import { chunk } from '#workers/steps/chunk.ts'
import { embed } from '#workers/steps/embed.ts'
import { index } from '#workers/steps/index-chunks.ts'
import { parse } from '#workers/steps/parse.ts'

class CountingEmbedder extends HashEmbedder {
  embedded = 0
  override async embed(texts: readonly string[], kind: 'document' | 'query', signal: AbortSignal): Promise<Float32Array[]> {
    this.embedded += texts.length
    return super.embed(texts, kind, signal)
  }
}

const signal = AbortSignal.timeout(60_000)
const context = {
  tenant: Tenant.parse({ id: 'acme', name: 'Acme', config: TenantConfig.parse({}), createdAt: new Date(0) }),
  signal,
} as StepContext

let embedder = new CountingEmbedder(64)
let documents = new MemoryDocumentStore()
let dense: DenseIndex = new MemoryDenseIndex(64)
let sparse: SparseIndex = new MemorySparseIndex()
let knowledge = new MemoryKnowledge()
let space = memorySearchSpace()
const doors = () => ({ documents, extractor: memoryExtractor(), embedder, dense, sparse, knowledge, space })

beforeEach(() => {
  embedder = new CountingEmbedder(64)
  documents = new MemoryDocumentStore()
  dense = new MemoryDenseIndex(64)
  sparse = new MemorySparseIndex()
  knowledge = new MemoryKnowledge()
  space = memorySearchSpace()
})

const long = (word: string) => Array.from({ length: 30 }, (_, i) => `Sentence ${i} is about the ${word}.`).join(' ')
const article = (contentHash: string, words: readonly string[]): SourceDocument => ({
  id: 'kb-1',
  tenantId: 'acme',
  title: '',
  text: `---\ntitle: Manual\n---\n${words.map((word) => `## ${word}\n\n${long(word)}`).join('\n\n')}`,
  contentType: 'text/markdown',
  audience: 'public',
  contentHash,
})
const given = (contentHash: string) => ({ document: { documentId: 'kb-1', contentHash } })
const upTo = async (last: 'parse' | 'chunk' | 'embed', contentHash: string) => {
  for (const [name, step] of [
    ['parse', parse],
    ['chunk', chunk],
    ['embed', embed],
  ] as const) {
    await step(given(contentHash), doors(), context)
    if (name === last) return
  }
}
const servedBy = async (leg: 'dense' | 'sparse') => {
  const filter = { tenantId: 'acme', audiences: ['public'] as const }
  const [query] = await embedder.embed(['sentence'], 'query', signal)
  const hits =
    leg === 'dense' ? await dense.search(query!, filter, 50, signal) : await sparse.search('sentence', filter, 50, signal)
  return [...new Set(hits.map(({ chunk: { version } }) => version))]
}
const expectServed = async (versions: string[]) => {
  expect(await servedBy('dense')).toEqual(versions)
  expect(await servedBy('sparse')).toEqual(versions)
}

describe('index-document', () => {
  test('takes a document from text to both indexes and says so', async () => {
    documents.put(article('v1', ['hub', 'lamp']))
    expect(await parse(given('v1'), doors(), context)).toMatchObject({
      outcome: 'parsed',
      facts: { parsed: { characters: expect.any(Number) } },
    })
    expect((await documents.get('acme', 'kb-1'))?.state).toBe('indexing')
    expect(await chunk(given('v1'), doors(), context)).toMatchObject({ outcome: 'chunked', facts: { chunks: { count: 2 } } })
    expect(await embed(given('v1'), doors(), context)).toMatchObject({
      outcome: 'embedded',
      facts: { vectors: { count: 2, computed: 2 } },
    })
    expect(await index(given('v1'), doors(), context)).toEqual({
      outcome: 'indexed',
      facts: { indexed: { count: 2, knowledgeVersion: '1' } },
    })
    expect((await documents.get('acme', 'kb-1'))?.state).toBe('indexed')
    await expectServed(['v1'])
  })

  test('every step may be repeated, and nothing is computed twice', async () => {
    documents.put(article('v1', ['hub', 'lamp']))
    for (const step of [parse, parse, chunk, chunk, embed, embed]) await step(given('v1'), doors(), context)
    expect(embedder.embedded).toBe(2)
    await index(given('v1'), doors(), context)
    await index(given('v1'), doors(), context)
    expect(embedder.embedded).toBe(2)
    expect(await sparse.count('acme', signal)).toBe(2)
    expect(await dense.count('acme', signal)).toBe(2)
  })

  test('a changed document pays only for the parts that changed', async () => {
    documents.put(article('v1', ['hub', 'lamp']))
    await upTo('embed', 'v1')
    await index(given('v1'), doors(), context)
    documents.put(article('v2', ['hub', 'cable']))
    await parse(given('v2'), doors(), context)
    await chunk(given('v2'), doors(), context)
    expect(await embed(given('v2'), doors(), context)).toMatchObject({ facts: { vectors: { count: 2, computed: 1 } } })
    await index(given('v2'), doors(), context)
    await expectServed(['v2'])
  })

  test('an overtaken run ends as superseded at every step and leaves the newer version alone', async () => {
    documents.put(article('v1', ['hub']))
    await upTo('embed', 'v1')
    documents.put(article('v2', ['hub', 'lamp']))
    await upTo('embed', 'v2')
    await index(given('v2'), doors(), context)
    for (const step of [parse, chunk, embed, index]) {
      expect(await step(given('v1'), doors(), context)).toMatchObject({ outcome: 'superseded' })
      await expectServed(['v2'])
    }
    expect(await documents.get('acme', 'kb-1')).toMatchObject({ state: 'indexed', contentHash: 'v2' })
  })

  test('a run that writes late, after its successor, puts the successor back', async () => {
    documents.put(article('v1', ['hub']))
    await upTo('embed', 'v1')
    const replace = sparse.replaceDocument.bind(sparse)
    let interrupted = false
    sparse.replaceDocument = async (...call) => {
      await replace(...call)
      if (interrupted) return
      interrupted = true
      // Between the old run's write and its second look, a new version comes in and is indexed; then the old write lands late.
      documents.put(article('v2', ['lamp']))
      await upTo('embed', 'v2')
      await index(given('v2'), doors(), context)
      await replace(...call)
    }
    expect(await index(given('v1'), doors(), context)).toMatchObject({ outcome: 'superseded' })
    await expectServed(['v2'])
    expect((await documents.get('acme', 'kb-1'))?.state).toBe('indexed')
  })

  test('a document that was deleted while it was indexed leaves no trace', async () => {
    documents.put(article('v1', ['hub']))
    await upTo('embed', 'v1')
    const replace = sparse.replaceDocument.bind(sparse)
    sparse.replaceDocument = async (...call) => {
      documents.delete('acme', 'kb-1')
      await replace(...call)
    }
    expect(await index(given('v1'), doors(), context)).toMatchObject({ outcome: 'superseded' })
    await expectServed([])
    expect(await sparse.count('acme', signal)).toBe(0)
  })

  test('what cannot be indexed is failed with a code and a reason, and what was served before stays', async () => {
    documents.put(article('v1', ['hub']))
    await upTo('embed', 'v1')
    await index(given('v1'), doors(), context)
    for (const [text, code] of [
      ['---\na: [\n---\nx', 'document-unreadable'],
      ['---\ntitle: x\n---\n \n', 'document-empty'],
    ] as const) {
      documents.put({ ...article(code, []), text })
      expect(await parse(given(code), doors(), context)).toMatchObject({ outcome: 'rejected', facts: { unindexed: { code } } })
      expect(await documents.get('acme', 'kb-1')).toMatchObject({ state: 'failed', code, reason: expect.stringMatching(/\w/) })
    }
    documents.put({ ...article('v3', []), text: '# Only\n\n## Headings' })
    await parse(given('v3'), doors(), context)
    expect(await chunk(given('v3'), doors(), context)).toMatchObject({
      outcome: 'rejected',
      facts: { unindexed: { code: 'document-empty' } },
    })
    await expectServed(['v1'])
  })

  test('while an index is away the run waits, what was served stays whole, and the new version comes when it is back', async () => {
    documents.put(article('v1', ['hub']))
    await upTo('embed', 'v1')
    await index(given('v1'), doors(), context)
    documents.put(article('v2', ['lamp', 'cable']))
    await upTo('embed', 'v2')
    for (const leg of [dense, sparse]) {
      const replace = leg.replaceDocument.bind(leg) as typeof leg.replaceDocument
      const away = retryable('search-index-unavailable', 'away')
      leg.replaceDocument = async () => {
        throw away
      }
      await expect(index(given('v2'), doors(), context)).rejects.toBe(away)
      expect((await documents.get('acme', 'kb-1'))?.state).toBe('indexing')
      // A reader asks both legs and keeps to one version: see fuse-rankings.
      expect(await servedBy('sparse')).toEqual(['v1'])
      leg.replaceDocument = replace as never
    }
    expect(await index(given('v2'), doors(), context)).toMatchObject({ outcome: 'indexed' })
    await expectServed(['v2'])
    const patience = attemptsOf(indexDocument.steps.index.retry)
    expect(patience).toBeGreaterThanOrEqual(30)
  })

  test('documents of one id in two tenants have nothing to do with each other', async () => {
    documents.put(article('v1', ['hub']))
    documents.put({ ...article('v1', ['lamp']), tenantId: 'other' })
    const other = { ...context, tenant: { ...context.tenant, id: 'other' } }
    for (const step of [parse, chunk, embed, index]) await step(given('v1'), doors(), context)
    for (const step of [parse, chunk, embed, index]) await step(given('v1'), doors(), other)
    documents.delete('other', 'kb-1')
    await index(given('v1'), doors(), other)
    expect(await sparse.count('other', signal)).toBe(0)
    await expectServed(['v1'])
  })

  test.each([
    ['a torn PDF', 'application/pdf', Buffer.from('%PDF-1.7\nrubbish'), 'document-unreadable'],
    ['a protected PDF', 'application/pdf', encryptedPdf(), 'document-encrypted'],
    ['a zip bomb', DOCX, zipBomb(), 'document-too-large'],
    ['bytes that are no UTF-8', 'text/markdown', Buffer.from([0x23, 0x20, 0xff, 0xfe, 0xfd]), 'document-encoding'],
    ['a page of scripts', 'text/html', Buffer.from(`<html>${'<script>x()</script>'.repeat(1_000)}</html>`), 'document-empty'],
    ['an empty text', 'text/plain', Buffer.from('\uFEFF \n'), 'document-empty'],
  ])('%s fails the document by name, and the index keeps what it has', async (_, contentType, bytes, code) => {
    documents.put(article('v1', ['hub']))
    await upTo('embed', 'v1')
    await index(given('v1'), doors(), context)
    documents.put({ ...article('bad', []), text: '', contentType }, bytes)
    expect(await parse(given('bad'), doors(), context)).toMatchObject({ outcome: 'rejected', facts: { unindexed: { code } } })
    expect(await documents.get('acme', 'kb-1')).toMatchObject({ state: 'failed', code, reason: expect.stringMatching(/\w/) })
    await expectServed(['v1'])
  })

  test('a PDF is searched by page, and a document may choose how it is split', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => `Sentence ${i} is about the hub and nothing else at all.`)
    const pdf = await samplePdf([
      { heading: 'Hubs', lines },
      { heading: 'Lamps', lines: lines.map((line) => line.replace('hub', 'lamp')) },
    ])
    documents.put(
      { ...article('pdf', []), title: 'Guide', text: '', contentType: 'application/pdf', chunking: { preset: 'faq' } },
      pdf,
    )
    await upTo('embed', 'pdf')
    await index(given('pdf'), doors(), context)
    const chunks = await documents.chunksOf('acme', 'kb-1', 'pdf')
    expect(chunks.length).toBeGreaterThan(2)
    expect(new Set(chunks.map(({ section, page }) => `${section.join()} ${page}`))).toEqual(new Set(['Hubs 1', 'Lamps 2']))
    expect(Math.max(...chunks.map(({ tokens }) => tokens))).toBeLessThanOrEqual(300)
  })

  test('every write to the indexes changes the knowledge version, so that cached answers are left behind', async () => {
    documents.put(article('v1', ['hub']))
    await upTo('embed', 'v1')
    await index(given('v1'), doors(), context)
    const before = await knowledge.version('acme')
    documents.delete('acme', 'kb-1')
    await index(given('v1'), doors(), context)
    expect(await knowledge.version('acme')).not.toBe(before)
  })
})
