import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { LexicalReranker } from '#shared/adapters/models/reranker.lexical.ts'
import { SqliteDenseIndex } from '#shared/adapters/search/dense-index.sqlite.ts'
import { HybridSearcher } from '#shared/adapters/search/searcher.hybrid.ts'
import { SqliteSparseIndex } from '#shared/adapters/search/sparse-index.sqlite.ts'
import type { Chunk } from '#shared/domain/document.ts'
import type { Embedder } from '#shared/ports/embedder.ts'
import { contentTerms } from '#shared/text/tokenize.ts'
import { embeddingText } from '#workers/logic/chunk-document.ts'
import { quantile, rounded } from '../figures.ts'
import { CHUNKS_PER_DOCUMENT, queryFrom, sequence, streamDocuments } from '../knowledge-corpus.ts'
import { answerCalls } from '../side.ts'

/**
 * The embedded search in a process that holds nothing else: documents are made one by one, indexed, and forgotten, while searches keep
 * the indexes resident. So what the process takes is what the product takes.
 */
export type IndexStage = {
  readonly chunks: number
  readonly otherChunks: number
  readonly queries: number
  readonly seed: number
}
export type IndexFigures = {
  readonly chunks: number
  readonly p50: number
  readonly p99: number
  readonly cpuMs: number
  readonly indexedPerSecond: number
  readonly indexCpuMsPerChunk: number
  readonly recall: number
  /** Resident sizes in MB of 10^6 bytes: before the first document, half-way, with all indexed, and the kernel's peak of it all. */
  readonly memoryMb: { readonly empty: number; readonly half: number; readonly full: number; readonly peak: number }
}

const TENANT = { tenantId: 'bench', audiences: ['public'] } as const
const { signal } = new AbortController()
const SEARCH_EVERY = 250

async function measure({ chunks, otherChunks, queries, seed }: IndexStage): Promise<IndexFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'answerline-bench-'))
  const hash = new HashEmbedder()
  const dense = new SqliteDenseIndex({ folder: join(folder, 'dense'), embedder: hash })
  const sparse = new SqliteSparseIndex({ folder: join(folder, 'sparse') })
  const searcher = new HybridSearcher({ embedder: hash, dense, sparse, reranker: new LexicalReranker() })
  try {
    const empty = residentMb()
    const search = (query: string) => searcher.search({ query, filter: TENANT }, signal)
    const built = await build(
      sequence(seed),
      chunks,
      queries,
      async (tenantId, items) => {
        await dense.replaceDocument(tenantId, items[0]!.chunk.documentId, items, signal)
        await sparse.replaceDocument(
          tenantId,
          items[0]!.chunk.documentId,
          items.map(({ chunk }) => chunk),
          signal,
        )
      },
      search,
      hash,
    )
    if (otherChunks > 0) await fillOther(otherChunks, sequence(seed + 1), hash, dense, sparse)
    const vectors = new Map<string, Float32Array>()
    for (const query of built.asked) vectors.set(query, (await hash.embed([query], 'query', signal))[0]!)
    const ready: Embedder = { id: hash.id, dimensions: hash.dimensions, embed: async ([query]) => [vectors.get(query!)!] }
    const timing = await timed(
      new HybridSearcher({ embedder: ready, dense, sparse, reranker: new LexicalReranker() }),
      built.asked,
    )
    const memoryMb = { empty, half: built.half, full: residentMb(), peak: residentMb('VmHWM') }
    return {
      chunks,
      ...timing,
      indexedPerSecond: Math.round((1_000 * chunks) / built.indexMs),
      indexCpuMsPerChunk: rounded(built.indexCpuMs / chunks),
      recall: await recall(dense, [...vectors.values()].slice(0, 20), sequence(seed), chunks, hash),
      memoryMb,
    }
  } finally {
    dense.close()
    sparse.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

type Items = { readonly chunk: Chunk; readonly vector: Float32Array }[]

async function build(
  random: () => number,
  chunks: number,
  queries: number,
  write: (tenantId: string, items: Items) => Promise<void>,
  search: (query: string) => Promise<unknown>,
  embedder: Embedder,
) {
  const asking = questions(chunks, queries)
  const asked: string[] = []
  let indexMs = 0
  let cpuMicros = 0
  let half = 0
  let at = 0
  for (const document of streamDocuments(chunks, random)) {
    const [begun, cpuBefore] = [performance.now(), process.cpuUsage()]
    await write(TENANT.tenantId, await embedded(document, embedder))
    indexMs += performance.now() - begun
    const { user, system } = process.cpuUsage(cpuBefore)
    cpuMicros += user + system
    asked.push(...asking(document))
    if (at % SEARCH_EVERY === 0) await search(asked.at(-1)!)
    if (++at === Math.ceil(chunks / CHUNKS_PER_DOCUMENT / 2)) half = residentMb()
  }
  return { asked, indexMs, indexCpuMs: cpuMicros / 1_000, half }
}

async function fillOther(
  chunks: number,
  random: () => number,
  embedder: Embedder,
  dense: SqliteDenseIndex,
  sparse: SqliteSparseIndex,
) {
  for (const document of streamDocuments(chunks, random)) {
    await dense.replaceDocument('other', document[0]!.documentId, await embedded(document, embedder), signal)
    await sparse.replaceDocument('other', document[0]!.documentId, document, signal)
  }
}

async function embedded(document: readonly Chunk[], embedder: Embedder): Promise<Items> {
  const vectors = await embedder.embed(document.map(embeddingText), 'document', signal)
  return document.map((chunk, i) => ({ chunk, vector: vectors[i]! }))
}

/** Every n-th document is asked about, so that the questions are of them all; call with each in order. */
function questions(chunks: number, count: number): (document: readonly Chunk[]) => string[] {
  const every = Math.max(1, Math.floor(chunks / CHUNKS_PER_DOCUMENT / count))
  const random = sequence(99)
  let at = 0
  let asked = 0
  return (document) => {
    if (at++ % every !== 0 || asked === count) return []
    asked++
    return [queryFrom(document, random)]
  }
}

/** The yardstick: SQLite's own FTS5 with BM25 for the same words, in memory. @returns milliseconds by query */
async function rawFts({ chunks, queries, seed }: IndexStage): Promise<number[]> {
  const database = new DatabaseSync(':memory:')
  database.exec('CREATE VIRTUAL TABLE term USING fts5 (title, section, text)')
  const insert = database.prepare('INSERT INTO term (title, section, text) VALUES (?, ?, ?)')
  const terms = (text: string) => contentTerms(text).join(' ')
  const asking = questions(chunks, queries)
  const asked: string[] = []
  for (const document of streamDocuments(chunks, sequence(seed))) {
    for (const chunk of document) insert.run(terms(chunk.title), terms(chunk.section.join(' ')), terms(chunk.text))
    asked.push(...asking(document))
  }
  const search = database.prepare('SELECT rowid FROM term WHERE term MATCH ? ORDER BY bm25(term, 6, 4, 1) LIMIT 50')
  const times = asked.slice(0, 300).map((query) => {
    const begun = performance.now()
    search.all([...new Set(contentTerms(query))].map((term) => `"${term}"`).join(' OR '))
    return performance.now() - begun
  })
  database.close()
  return times
}

async function timed(searcher: HybridSearcher, queries: readonly string[]) {
  const times: number[] = []
  const warmUp = Math.ceil(queries.length / 10)
  const cpuBefore = process.cpuUsage()
  for (let i = -warmUp; i < queries.length; i++) {
    const query = queries[Math.abs(i) % queries.length]!
    const begun = performance.now()
    const { passages } = await searcher.search({ query, filter: TENANT }, signal)
    if (i >= 0) times.push(performance.now() - begun)
    if (passages.length === 0) throw new Error(`nothing found for "${query}"`)
  }
  const cpu = process.cpuUsage(cpuBefore)
  return {
    p50: rounded(quantile(times, 0.5)),
    p99: rounded(quantile(times, 0.99)),
    // Processor time depends least on what else the machine does; collection of garbage on other threads is in it.
    cpuMs: rounded((cpu.user + cpu.system) / 1_000 / (warmUp + times.length)),
  }
}

/** Of the ten nearest by brute force over all vectors, the share that the index brings; ties of equal cosines count as found. */
async function recall(
  dense: SqliteDenseIndex,
  queries: readonly Float32Array[],
  random: () => number,
  chunks: number,
  embedder: Embedder,
) {
  const best = queries.map(() => [] as number[])
  for (const document of streamDocuments(chunks, random)) {
    for (const { vector } of await embedded(document, embedder)) {
      for (const [i, query] of queries.entries()) keepTen(best[i]!, dot(query, vector))
    }
  }
  let found = 0
  for (const [i, query] of queries.entries()) {
    const hits = await dense.search(query, TENANT, 10, signal)
    found += hits.filter(({ score }) => score >= best[i]!.at(-1)! - 1e-5).length / 10
  }
  return rounded(found / queries.length)
}

function keepTen(best: number[], score: number): void {
  if (best.length === 10 && score <= best[9]!) return
  best.push(score)
  best.sort((a, b) => b - a)
  best.length = Math.min(best.length, 10)
}

const dot = (a: Float32Array, b: Float32Array) => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** As the kernel counts; 0 where it does not say (not Linux). */
function residentMb(line: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  try {
    const kibibytes = new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return Math.round((Number(kibibytes ?? 0) * 1_024) / 1e6)
  } catch {
    return 0
  }
}

answerCalls({ measure, rawFts }, async () => {})
