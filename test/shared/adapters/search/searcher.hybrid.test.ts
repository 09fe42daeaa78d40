import { describe, expect, test } from 'vitest'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { LexicalReranker } from '#shared/adapters/models/reranker.lexical.ts'
import { HybridSearcher } from '#shared/adapters/search/searcher.hybrid.ts'
import type { Chunk } from '#shared/domain/document.ts'
import type { DenseIndex, SparseIndex } from '#shared/ports/search-index.ts'
import { MemoryDenseIndex } from '#test/fakes/dense-index.memory.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'
import { MemorySparseIndex } from '#test/fakes/sparse-index.memory.ts'

const signal = () => AbortSignal.timeout(30_000)
const embedder = new HashEmbedder(256)
const FILTER = { tenantId: 'acme', audiences: ['public'] } as const

async function searchOver(
  chunks: readonly Chunk[],
  change: { dense?: DenseIndex; sparse?: SparseIndex; legDeadlineMs?: number } = {},
) {
  const dense = new MemoryDenseIndex(256)
  const sparse = new MemorySparseIndex()
  for (const [documentId, items] of Map.groupBy(chunks, (chunk) => chunk.documentId)) {
    const vectors = await embedder.embed(
      items.map(({ text }) => text),
      'document',
      signal(),
    )
    await dense.replaceDocument(
      'acme',
      documentId,
      items.map((chunk, i) => ({ chunk, vector: vectors[i]! })),
      signal(),
    )
    await sparse.replaceDocument('acme', documentId, items, signal())
  }
  return new HybridSearcher({ embedder, dense, sparse, reranker: new LexicalReranker(), ...change })
}
const broken = (error: Error) => ({ search: () => Promise.reject(error) }) as unknown as DenseIndex & SparseIndex
const hanging = () => ({ search: () => new Promise(() => {}) }) as unknown as DenseIndex & SparseIndex

const CHUNKS = [
  sampleChunk({
    documentId: 'light',
    title: 'Lights of the hub',
    text: 'When the hub blinks amber it has lost the Wi-Fi. Restart the router.',
  }),
  sampleChunk({ documentId: 'code', title: 'Error codes', text: 'LK-204 means the clock of the hub is wrong.' }),
  sampleChunk({
    documentId: 'other-code',
    title: 'Error codes',
    text: 'LK-205 means the hub is too warm. The clock of the hub is fine, the clock shows the time.',
  }),
  sampleChunk({ documentId: 'bill', title: 'Invoices', text: 'Invoices are sent on the first of the month by e-mail.' }),
]

describe('hybrid search', () => {
  test('numbers the best passages from 1 with every score they got', async () => {
    const { passages, evidence, failedLegs } = await (await searchOver(CHUNKS)).search(
      { query: 'Why does my hub blink amber?', filter: FILTER },
      signal(),
    )
    expect(passages[0]).toMatchObject({ n: 1, documentId: 'light', chunkId: 'light:v1:0' })
    expect(passages.map(({ n }) => n)).toEqual(passages.map((_, i) => i + 1))
    for (const name of ['dense', 'sparse', 'fused', 'rerank'] as const) expect(passages[0]!.scores[name]).toBeGreaterThan(0)
    expect(evidence).toBeGreaterThan(0.9)
    expect(failedLegs).toEqual([])
  })

  test('a code in the question decides', async () => {
    const { passages } = await (await searchOver(CHUNKS)).search(
      { query: 'the clock of the hub shows LK-204', filter: FILTER },
      signal(),
    )
    expect(passages[0]!.documentId).toBe('code')
  })

  test('evidence is low when the words that matter are nowhere', async () => {
    const search = await searchOver(CHUNKS)
    const { evidence } = await search.search({ query: 'Can the hub brew espresso with oat milk?', filter: FILTER }, signal())
    expect(evidence).toBeLessThan(0.35)
    const nothing = await search.search({ query: 'espresso', filter: { ...FILTER, tenantId: 'globex' } }, signal())
    expect(nothing).toEqual({ passages: [], evidence: 0, failedLegs: [] })
  })

  test('one leg down or slow: the other serves alone and the result says so', async () => {
    const query = { query: 'hub blinks amber', filter: FILTER }
    for (const [change, failed] of [
      [{ dense: broken(new Error('down')) }, ['dense']],
      [{ sparse: broken(new Error('down')) }, ['sparse']],
      [{ dense: hanging(), legDeadlineMs: 50 }, ['dense']],
    ] as const) {
      const { passages, failedLegs } = await (await searchOver(CHUNKS, change)).search(query, signal())
      expect(failedLegs).toEqual(failed)
      expect(passages[0]!.documentId).toBe('light')
    }
  })

  test('both legs down is a failure to try again, an abort is passed on', async () => {
    const down = await searchOver(CHUNKS, {
      dense: broken(new Error('dense is down')),
      sparse: broken(new Error('sparse is down')),
    })
    const failure = {
      failure: { kind: 'retryable', code: 'search-unavailable', message: 'dense: dense is down; sparse: sparse is down' },
    }
    await expect(down.search({ query: 'hub', filter: FILTER }, signal())).rejects.toMatchObject(failure)
    const search = await searchOver(CHUNKS)
    await expect(search.search({ query: 'hub', filter: FILTER }, AbortSignal.abort(new Error('cancelled')))).rejects.toThrow(
      'cancelled',
    )
  })

  test('keeps to the token budget and to the number asked for, and gives the best passage whatever its size', async () => {
    const many = Array.from({ length: 8 }, (_, i) =>
      sampleChunk({ documentId: `d${i}`, text: `hub amber light number ${i}`, tokens: 100 }),
    )
    const search = await searchOver(many)
    const query = { query: 'hub amber light', filter: FILTER }
    expect((await search.search(query, signal())).passages).toHaveLength(5)
    expect((await search.search({ ...query, topK: 8, maxTokens: 350 }, signal())).passages).toHaveLength(3)
    expect((await search.search({ ...query, maxTokens: 10 }, signal())).passages).toHaveLength(1)
  })

  test('gives no text twice and no overlapping stretches of a document', async () => {
    const text = 'hub amber light'
    const { passages } = await (
      await searchOver([
        sampleChunk({ documentId: 'a', position: 0, text, start: 0, end: 15 }),
        sampleChunk({ documentId: 'a', position: 1, text: 'amber light of hub', start: 4, end: 22 }),
        sampleChunk({ documentId: 'a', position: 2, text: 'hub amber light again', start: 22, end: 43 }),
        sampleChunk({ documentId: 'b', text: 'hub  amber\nlight' }),
      ])
    ).search({ query: text, filter: FILTER, topK: 10 }, signal())
    expect(passages).toHaveLength(2)
  })

  test('of a document caught between two versions it serves one', async () => {
    const [old, fresh] = ['v1', 'v2'].map((version) =>
      [0, 1].map((position) =>
        sampleChunk({
          documentId: 'a',
          version,
          position,
          text: `hub amber ${version} ${position}`,
          start: position * 20,
          end: position * 20 + 14,
        }),
      ),
    )
    const hits = (chunks: readonly Chunk[]) =>
      ({ search: async () => chunks.map((chunk, i) => ({ chunk, score: 1 / (i + 1) })) }) as unknown as DenseIndex & SparseIndex
    const search = await searchOver([], { dense: hits(fresh!), sparse: hits(old!) })
    const { passages } = await search.search({ query: 'hub amber', filter: FILTER }, signal())
    expect(passages.map(({ chunkId }) => chunkId).sort()).toEqual(['a:v2:0', 'a:v2:1'])
  })

  test('explains every candidate on request only', async () => {
    const search = await searchOver(CHUNKS)
    const explained = await search.search({ query: 'hub clock', filter: FILTER, topK: 1, explain: true }, signal())
    expect(explained.passages).toHaveLength(1)
    expect(explained.candidates!.length).toBeGreaterThan(1)
    expect(explained.candidates![0]).toMatchObject({
      dense: { rank: expect.any(Number) },
      sparse: { rank: expect.any(Number) },
      rerank: expect.any(Number),
    })
    expect(await search.search({ query: 'hub clock', filter: FILTER }, signal())).not.toHaveProperty('candidates')
  })
})
