import { quantile, rounded } from './figures.ts'
import { type BenchReport, machine } from './report.ts'
import { drillConsistency } from './retrieval-consistency.ts'
import { startSide } from './side.ts'
import type { IndexFigures, IndexStage } from './sides/retrieval-index.ts'

export const FULL_RETRIEVAL = { chunks: 10_000, large: 100_000, queries: 1_000, changed: 1_000 }
export const QUICK_RETRIEVAL = { chunks: 900, large: 1_800, queries: 60, changed: 60 }
const SEED = 1
/** As the product's own processes are bounded (`npm start`). */
const HEAP_MB = 400

type Sizes = {
  readonly chunks: number
  readonly large: number
  readonly queries: number
  readonly changed: number
  readonly say: (line: string) => void
}

/**
 * The embedded hybrid search, vectors of queries computed beforehand, beside another tenant's documents: times, exactness of the dense
 * leg, speed of indexing, memory, and what ten times the documents cost. Each size has a process of its own that holds the index and
 * nothing else. Baseline: SQLite's own FTS5 with BM25 for the same words.
 */
export async function benchRetrieval({ chunks, large, queries, changed, say }: Sizes): Promise<BenchReport> {
  const where = machine()
  const stage = { chunks, otherChunks: Math.ceil(chunks / 10), queries, seed: SEED }
  const small = await inProcess<IndexFigures>('measure', stage)
  say(`${chunks} chunks: ${JSON.stringify(small)}`)
  const baseline = await inProcess<number[]>('rawFts', stage)
  const grown = await inProcess<IndexFigures>('measure', {
    chunks: large,
    otherChunks: Math.ceil(large / 10),
    queries: Math.min(queries, 300),
    seed: SEED,
  })
  say(`${large} chunks: ${JSON.stringify(grown)}`)
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
    metrics: { hybrid: small, grown, consistency: await drillConsistency(changed, 200) },
    notes:
      'baseline: a raw FTS5 query over title, section and text; embedding of queries is not counted on either side; MB of 10^6 bytes',
  }
}

async function inProcess<T>(command: 'measure' | 'rawFts', stage: IndexStage): Promise<T> {
  const side = startSide('retrieval-index.ts', { maxHeapMb: HEAP_MB })
  try {
    return await side.call<T>(command, stage)
  } finally {
    await side.stop()
  }
}
