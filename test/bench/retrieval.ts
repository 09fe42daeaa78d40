import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { LexicalReranker } from '#shared/adapters/models/reranker.lexical.ts'
import { SqliteDenseIndex } from '#shared/adapters/search/dense-index.sqlite.ts'
import { HybridSearcher } from '#shared/adapters/search/searcher.hybrid.ts'
import { SqliteSparseIndex } from '#shared/adapters/search/sparse-index.sqlite.ts'
import type { Embedder } from '#shared/ports/embedder.ts'
import { contentTerms } from '#shared/text/tokenize.ts'
import { embeddingText } from '#workers/logic/chunk-document.ts'
import { quantile, rounded } from './figures.ts'
import { type Corpus, makeCorpus } from './knowledge-corpus.ts'
import { type BenchReport, machine } from './report.ts'
import { drillConsistency } from './retrieval-consistency.ts'

export const FULL_RETRIEVAL = { chunks: 10_000, large: 100_000, queries: 1_000, changed: 1_000 }
export const QUICK_RETRIEVAL = { chunks: 900, large: 1_800, queries: 60, changed: 60 }
const TENANT = { tenantId: 'bench', audiences: ['public'] } as const

type Sizes = {
  readonly chunks: number
  readonly large: number
  readonly queries: number
  readonly changed: number
  readonly say: (line: string) => void
}

/**
 * The embedded hybrid search, vectors of queries computed beforehand, beside another tenant's documents: times, exactness of the dense
 * leg, speed of indexing, and what ten times the documents cost. Baseline: SQLite's own FTS5 with BM25 for the same words.
 */
export async function benchRetrieval({ chunks, large, queries, changed, say }: Sizes): Promise<BenchReport> {
  const where = machine()
  const random = sequence(1)
  const corpus = makeCorpus(chunks, queries, random)
  const small = await measure(corpus, makeCorpus(Math.ceil(chunks / 10), 1, random), say)
  const baseline = rawFts(corpus)
  const grown = await measure(makeCorpus(large, Math.min(queries, 300), random), undefined, say)
  return {
    name: 'retrieval',
    value: small.p50,
    unit: 'ms/query',
    baseline: rounded(quantile(baseline, 0.5)),
    ratio: rounded(small.p50 / quantile(baseline, 0.5)),
    p50: small.p50,
    p99: small.p99,
    n: queries,
    machine: where,
    metrics: { hybrid: small, grown: { chunks: large, ...grown }, consistency: await drillConsistency(changed, 200, random) },
    notes: 'baseline: a raw FTS5 query over title, section and text; embedding of queries is not counted on either side',
  }
}

async function measure(corpus: Corpus, others: Corpus | undefined, say: Sizes['say']) {
  const folder = mkdtempSync(join(tmpdir(), 'answerline-bench-'))
  const hash = new HashEmbedder()
  const dense = new SqliteDenseIndex({ folder: join(folder, 'dense'), embedder: hash })
  const sparse = new SqliteSparseIndex({ folder: join(folder, 'sparse') })
  try {
    const begun = performance.now()
    await fill('bench', corpus, hash, dense, sparse, say)
    const indexMs = performance.now() - begun
    if (others) await fill('other', others, hash, dense, sparse, () => {})
    const vectors = new Map<string, Float32Array>()
    for (const query of corpus.queries) vectors.set(query, (await hash.embed([query], 'query', new AbortController().signal))[0]!)
    const ready: Embedder = { id: hash.id, dimensions: hash.dimensions, embed: async ([query]) => [vectors.get(query!)!] }
    const searcher = new HybridSearcher({ embedder: ready, dense, sparse, reranker: new LexicalReranker() })
    const cpuBefore = process.cpuUsage()
    const times = await timed(searcher, corpus)
    const cpu = process.cpuUsage(cpuBefore)
    const count = corpus.documents.length * 3
    return {
      p50: rounded(quantile(times, 0.5)),
      p99: rounded(quantile(times, 0.99)),
      // Processor time depends least on what else the machine does; collection of garbage on other threads is in it.
      cpuMs: rounded((cpu.user + cpu.system) / 1_000 / (1.1 * times.length)),
      indexedPerSecond: Math.round((1_000 * count) / indexMs),
      recall: await recall(dense, vectors, corpus, hash),
      rssMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    }
  } finally {
    dense.close()
    sparse.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function fill(
  tenantId: string,
  { documents }: Corpus,
  embedder: Embedder,
  dense: SqliteDenseIndex,
  sparse: SqliteSparseIndex,
  say: Sizes['say'],
): Promise<void> {
  const { signal } = new AbortController()
  for (const [at, chunks] of documents.entries()) {
    const vectors = await embedder.embed(chunks.map(embeddingText), 'document', signal)
    const items = chunks.map((chunk, i) => ({ chunk, vector: vectors[i]! }))
    await dense.replaceDocument(tenantId, chunks[0]!.documentId, items, signal)
    await sparse.replaceDocument(tenantId, chunks[0]!.documentId, chunks, signal)
    if (at % 2_000 === 0) say(`${at} of ${documents.length} documents`)
  }
}

async function timed(searcher: HybridSearcher, { queries }: Corpus): Promise<number[]> {
  const { signal } = new AbortController()
  const times: number[] = []
  // The first tenth reads the files and warms the compiler up.
  for (let i = -Math.ceil(queries.length / 10); i < queries.length; i++) {
    const query = queries[Math.abs(i) % queries.length]!
    const begun = performance.now()
    const { passages } = await searcher.search({ query, filter: TENANT }, signal)
    if (i >= 0) times.push(performance.now() - begun)
    if (passages.length === 0) throw new Error(`nothing found for "${query}"`)
  }
  return times
}

/** Of the ten nearest by brute force over all vectors, the share that the index brings; ties of equal cosines count as found. */
async function recall(dense: SqliteDenseIndex, queries: Map<string, Float32Array>, corpus: Corpus, embedder: Embedder) {
  const { signal } = new AbortController()
  const all: Float32Array[] = []
  for (const chunks of corpus.documents) all.push(...(await embedder.embed(chunks.map(embeddingText), 'document', signal)))
  const asked = [...queries.values()].slice(0, 20)
  let found = 0
  for (const query of asked) {
    const tenth = all.map((vector) => dot(query, vector)).sort((a, b) => b - a)[9]!
    const hits = await dense.search(query, TENANT, 10, signal)
    found += hits.filter(({ score }) => score >= tenth - 1e-5).length / 10
  }
  return rounded(found / asked.length)
}

function rawFts({ documents, queries }: Corpus): number[] {
  const database = new DatabaseSync(':memory:')
  database.exec('CREATE VIRTUAL TABLE term USING fts5 (title, section, text)')
  const insert = database.prepare('INSERT INTO term (title, section, text) VALUES (?, ?, ?)')
  const terms = (text: string) => contentTerms(text).join(' ')
  for (const chunk of documents.flat()) insert.run(terms(chunk.title), terms(chunk.section.join(' ')), terms(chunk.text))
  const search = database.prepare('SELECT rowid FROM term WHERE term MATCH ? ORDER BY bm25(term, 6, 4, 1) LIMIT 50')
  const times = queries.slice(0, 300).map((query) => {
    const begun = performance.now()
    search.all([...new Set(contentTerms(query))].map((term) => `"${term}"`).join(' OR '))
    return performance.now() - begun
  })
  database.close()
  return times
}

const dot = (a: Float32Array, b: Float32Array) => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** A linear congruential generator (Numerical Recipes): the same documents in every run. */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
