import { join } from 'node:path'
import { createBudgetedEmbedder } from './adapters/models/embedder.budgeted.ts'
import { HashEmbedder } from './adapters/models/embedder.hash.ts'
import { createOfflineEmbedder } from './adapters/models/embedder.offline.ts'
import { createOpenAiEmbedder } from './adapters/models/embedder.openai.ts'
import { LexicalReranker } from './adapters/models/reranker.lexical.ts'
import { createQdrantDenseIndex } from './adapters/search/dense-index.qdrant.ts'
import { SqliteDenseIndex } from './adapters/search/dense-index.sqlite.ts'
import { HybridSearcher } from './adapters/search/searcher.hybrid.ts'
import { createElasticsearchSparseIndex } from './adapters/search/sparse-index.elasticsearch.ts'
import { SqliteSparseIndex } from './adapters/search/sparse-index.sqlite.ts'
import type { Config } from './config.ts'
import { createPrices } from './domain/price.ts'
import type { BatchRequests } from './ports/batch-store.ts'
import type { Budget } from './ports/budget.ts'
import type { Clock } from './ports/clock.ts'
import type { Embedder } from './ports/embedder.ts'
import type { Journal } from './ports/journal.ts'
import type { Log } from './ports/log.ts'
import type { DenseIndex, SparseIndex } from './ports/search-index.ts'

const OPENAI_DIMENSIONS: Readonly<Record<string, number>> = { 'text-embedding-3-small': 1_536, 'text-embedding-3-large': 3_072 }

/** Where embeddings that cost money are accounted for; without it (tools outside the platform) they are not. */
type Books = { readonly budget: Budget; readonly log: Log; readonly journal: Journal; readonly requests: BatchRequests }

/**
 * Each leg of the search on its server where one is configured, else embedded; the legs are independent of each other. Creates or
 * migrates collection and index.
 * @throws StepFailure when a configured server cannot be reached
 */
export async function createSearch(config: Config, clock: Clock, books?: Books) {
  const embedder = createEmbedder(config, clock, books)
  const { dense, closeDense } = await openDense(config, embedder, clock)
  const { sparse, closeSparse } = await openSparse(config, clock)
  const searcher = new HybridSearcher({ embedder, dense, sparse, reranker: new LexicalReranker() })
  return {
    embedder,
    dense,
    sparse,
    searcher,
    async closeSearch() {
      closeDense()
      await closeSparse()
    },
  }
}

async function openDense(
  config: Config,
  embedder: Embedder,
  clock: Clock,
): Promise<{ dense: DenseIndex; closeDense: () => void }> {
  if (config.qdrant) {
    const dense = createQdrantDenseIndex({ ...config.qdrant, embedder, clock })
    await dense.ensure()
    return { dense, closeDense: () => {} }
  }
  const dense = new SqliteDenseIndex({ folder: join(config.dataDir, 'search', 'dense'), embedder })
  return { dense, closeDense: () => dense.close() }
}

async function openSparse(
  config: Config,
  clock: Clock,
): Promise<{ sparse: SparseIndex; closeSparse: () => Promise<void> | void }> {
  if (config.elasticsearch) {
    const sparse = createElasticsearchSparseIndex({ ...config.elasticsearch, clock })
    await sparse.ensure()
    return { sparse, closeSparse: () => sparse.close() }
  }
  const sparse = new SqliteSparseIndex({ folder: join(config.dataDir, 'search', 'sparse') })
  return { sparse, closeSparse: () => sparse.close() }
}

function createEmbedder(config: Config, clock: Clock, books: Books | undefined): Embedder {
  if (config.embeddingModel === 'hash') return new HashEmbedder()
  const model = config.embeddingModel.slice('openai:'.length)
  // The configuration has seen to it that there is a key.
  const embedder = createOpenAiEmbedder({ ...config.openAi!, model, dimensions: OPENAI_DIMENSIONS[model]!, clock })
  if (!books) return embedder
  const prices = createPrices()
  const budgeted = createBudgetedEmbedder(embedder, { ...books, prices, clock, provider: 'openai', model })
  return createOfflineEmbedder(budgeted, { ...books, prices, clock, model })
}
