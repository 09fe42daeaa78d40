import { expect, test } from 'vitest'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { LexicalReranker } from '#shared/adapters/models/reranker.lexical.ts'
import { HybridSearcher } from '#shared/adapters/search/searcher.hybrid.ts'
import type { Chunk } from '#shared/domain/document.ts'
import type { SearchRequest } from '#shared/ports/searcher.ts'
import { MemoryDenseIndex } from '#test/fakes/dense-index.memory.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'
import { MemorySparseIndex } from '#test/fakes/sparse-index.memory.ts'

const signal = () => AbortSignal.timeout(30_000)
const embedder = new HashEmbedder(256)
const filter = { tenantId: 'acme', audiences: ['public'] } as const

async function over(chunks: readonly Chunk[]) {
  const parts = { embedder, dense: new MemoryDenseIndex(256), sparse: new MemorySparseIndex(), reranker: new LexicalReranker() }
  for (const [documentId, items] of Map.groupBy(chunks, (chunk) => chunk.documentId)) {
    const texts = items.map(({ text }) => text)
    const vectors = await embedder.embed(texts, 'document', signal())
    await parts.dense.replaceDocument(
      'acme',
      documentId,
      items.map((chunk, i) => ({ chunk, vector: vectors[i]! })),
      signal(),
    )
    await parts.sparse.replaceDocument('acme', documentId, items, signal())
  }
  const searcher = new HybridSearcher(parts)
  const ask = (more: Partial<SearchRequest> & { query: string }) => searcher.search({ filter, topK: 1, ...more }, signal())
  return { ...parts, ask }
}

/** One section cut into five, a section behind it, and another document. */
const CUT = [
  ...['Unpack it.', 'Plug it in.', 'The amber light blinks.', 'Open the app.', 'You are done.'].map((text, position) =>
    sampleChunk({
      documentId: 'setup',
      section: ['Setup'],
      position,
      text,
      start: position * 100,
      end: position * 100 + 90,
      tokens: 100,
    }),
  ),
  sampleChunk({
    documentId: 'setup',
    section: ['Support'],
    position: 5,
    text: 'Write to us.',
    start: 500,
    end: 590,
    tokens: 100,
  }),
  sampleChunk({ documentId: 'other', position: 0, text: 'Invoices come monthly.', tokens: 100 }),
]
const seen = ({ passages }: { passages: readonly { n: number; text: string; neighbourOf?: number | undefined }[] }) =>
  passages.map(({ n, text, neighbourOf }) => [n, text, neighbourOf])

test('what stands beside a passage in its section comes behind the passages, the nearest first', async () => {
  const { ask } = await over(CUT)
  expect(seen(await ask({ query: 'amber light blinks' }))).toEqual([[1, 'The amber light blinks.', undefined]])
  expect(seen(await ask({ query: 'amber light blinks', neighbours: 1 }))).toEqual([
    [1, 'The amber light blinks.', undefined],
    [2, 'Plug it in.', 1],
    [3, 'Open the app.', 1],
  ])
  expect(seen(await ask({ query: 'amber light blinks', neighbours: 2 })).map(([, text]) => text)).toEqual([
    ...['The amber light blinks.', 'Plug it in.', 'Unpack it.', 'Open the app.', 'You are done.'],
  ])
})

test('neighbours stay in the section, within the budget, within the filter, and are not given twice', async () => {
  const { ask } = await over(CUT)
  const texts = async (more: Partial<SearchRequest> & { query: string }) => (await ask(more)).passages.map(({ text }) => text)
  expect(await texts({ query: 'you are done', neighbours: 1 })).toEqual(['You are done.', 'Open the app.'])
  expect(await texts({ query: 'amber light blinks', neighbours: 2, maxTokens: 250 })).toEqual([
    'The amber light blinks.',
    'Plug it in.',
  ])
  const both = await texts({ query: 'amber light blinks, open the app', neighbours: 1, topK: 2 })
  expect(new Set(both).size).toBe(both.length)
  const hidden = CUT.map((chunk) => (chunk.position === 1 ? { ...chunk, audience: 'internal' as const } : chunk))
  const { ask: askHidden } = await over(hidden)
  expect((await askHidden({ query: 'amber light blinks', neighbours: 2 })).passages.map(({ text }) => text)).toEqual([
    ...['The amber light blinks.', 'Open the app.', 'You are done.'],
  ])
})

test('neighbours are of the version that was found, and an index that cannot tell them takes nothing away', async () => {
  const { ask, sparse } = await over(CUT)
  const chunksAt = sparse.chunksAt.bind(sparse)
  sparse.chunksAt = async (...args) => (await chunksAt(...args)).map((chunk) => ({ ...chunk, version: 'v2' }))
  expect((await ask({ query: 'amber light blinks', neighbours: 1 })).passages).toHaveLength(1)
  sparse.chunksAt = () => Promise.reject(new Error('down'))
  expect((await ask({ query: 'amber light blinks', neighbours: 1 })).passages).toHaveLength(1)
})

test("a tenant's synonyms find what the query calls otherwise, and explain says which", async () => {
  const { ask } = await over([
    sampleChunk({ documentId: 'vpn', text: 'The virtual private network needs a certificate.' }),
    sampleChunk({ documentId: 'noise', text: 'The office has a coffee machine that drops cups.' }),
  ])
  const synonyms = [['VPN', 'virtual private network']]
  const found = await ask({ query: 'my VPN drops', synonyms, explain: true })
  expect(found.passages[0]!.documentId).toBe('vpn')
  expect(found.expansion).toEqual({ synonyms: ['virtual private network'] })
  expect((await ask({ query: 'my VPN drops', explain: true })).passages[0]!.documentId).toBe('noise')
})

test('an imagined passage is searched for by its meaning, beside the question', async () => {
  const { ask } = await over(CUT)
  const hypothetical = 'Invoices come monthly.'
  const { candidates, expansion } = await ask({ query: 'when do I pay', hypothetical, explain: true })
  expect(expansion).toEqual({ synonyms: [], hypothetical })
  const cosine = candidates!.find(({ chunk }) => chunk.documentId === 'other')!.dense!.score
  const [query, imagined] = [
    ...(await embedder.embed(['when do I pay'], 'query', signal())),
    ...(await embedder.embed([hypothetical], 'document', signal())),
  ]
  const mean = query!.map((value, i) => value + imagined![i]!)
  const wanted = mean.reduce((sum, value, i) => sum + value * imagined![i]!, 0) / Math.hypot(...mean)
  expect(cosine).toBeCloseTo(wanted, 5)
})
