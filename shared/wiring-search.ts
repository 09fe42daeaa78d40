import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createBudgetedEmbedder } from './adapters/models/embedder.budgeted.ts'
import { createCachedEmbedder } from './adapters/models/embedder.cached.ts'
import { HashEmbedder } from './adapters/models/embedder.hash.ts'
import { createOfflineEmbedder } from './adapters/models/embedder.offline.ts'
import { createOnnxEmbedder } from './adapters/models/embedder.onnx.ts'
import { createOpenAiEmbedder } from './adapters/models/embedder.openai.ts'
import { modelAndDimensions, OPENAI_DIMENSIONS } from './adapters/models/embedding-models.ts'
import { createFallbackReranker } from './adapters/models/reranker.fallback.ts'
import { createHttpReranker } from './adapters/models/reranker.http.ts'
import { LexicalReranker } from './adapters/models/reranker.lexical.ts'
import { createOnnxReranker } from './adapters/models/reranker.onnx.ts'
import { createQdrantDenseIndex } from './adapters/search/dense-index.qdrant.ts'
import { SqliteDenseIndex } from './adapters/search/dense-index.sqlite.ts'
import { HybridSearcher } from './adapters/search/searcher.hybrid.ts'
import { createElasticsearchSparseIndex } from './adapters/search/sparse-index.elasticsearch.ts'
import { SqliteSparseIndex } from './adapters/search/sparse-index.sqlite.ts'
import type { Config } from './config.ts'
import { createPrices, freeOfCharge, LIST_PRICES } from './domain/price.ts'
import type { BatchRequests } from './ports/batch-store.ts'
import type { Budget } from './ports/budget.ts'
import type { Clock } from './ports/clock.ts'
import type { Embedder } from './ports/embedder.ts'
import type { Journal } from './ports/journal.ts'
import type { Log } from './ports/log.ts'
import type { Reranker } from './ports/reranker.ts'
import type { DenseIndex, SparseIndex } from './ports/search-index.ts'

/** Where embeddings that cost money are accounted for; without it (tools outside the platform) they are not. */
type Books = { readonly budget: Budget; readonly log: Log; readonly journal: Journal; readonly requests: BatchRequests }

/**
 * Each leg of the search on its server where one is configured, else embedded; the legs are independent of each other. Creates or
 * migrates collection and index.
 * @throws StepFailure when a configured server cannot be reached
 */
export async function createSearch(config: Config, clock: Clock, books?: Books) {
  const embedder = await createEmbedder(config, clock, books)
  const reranker = await createReranker(config, clock, books?.log)
  const { dense, closeDense } = await openDense(config, embedder, clock)
  const { sparse, closeSparse } = await openSparse(config, clock)
  const searcher = new HybridSearcher({ embedder, dense, sparse, reranker })
  return {
    embedder,
    dense,
    sparse,
    searcher,
    /** What the embedded dense index holds of other embedders: once this one serves, it is only a copy that deletions do not reach. */
    dropOtherSpaces: () => dropOthers(join(config.dataDir, 'search', 'dense'), folderName(embedder)),
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
    await named('Qdrant', config.qdrant.url, dense.ensure())
    return { dense, closeDense: () => {} }
  }
  const dense = new SqliteDenseIndex({ folder: join(config.dataDir, 'search', 'dense', folderName(embedder)), embedder })
  return { dense, closeDense: () => dense.close() }
}

/** "fetch failed" alone helps nobody at 3 a.m. */
async function named(server: string, url: string, ready: Promise<void>): Promise<void> {
  try {
    await ready
  } catch (error) {
    throw new Error(`${server} at ${new URL(url).host} is not ready for use: ${(error as Error).message}`, { cause: error })
  }
}

function dropOthers(folder: string, keep: string): void {
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (name !== keep) rmSync(join(folder, name), { recursive: true, force: true })
}

/** One folder per embedder, so that another one can be built beside. */
const folderName = ({ id }: Embedder) => id.replace(/[^A-Za-z0-9_.-]/g, '-')

async function openSparse(
  config: Config,
  clock: Clock,
): Promise<{ sparse: SparseIndex; closeSparse: () => Promise<void> | void }> {
  if (config.elasticsearch) {
    const sparse = createElasticsearchSparseIndex({ ...config.elasticsearch, clock })
    await named('Elasticsearch', config.elasticsearch.url, sparse.ensure())
    return { sparse, closeSparse: () => sparse.close() }
  }
  const sparse = new SqliteSparseIndex({ folder: join(config.dataDir, 'search', 'sparse') })
  return { sparse, closeSparse: () => sparse.close() }
}

async function createEmbedder(config: Config, clock: Clock, books: Books | undefined): Promise<Embedder> {
  const { embeddingModel } = config
  if (embeddingModel === 'hash') return new HashEmbedder()
  const local = /^local:(.+?)(?:@(\d+))?$/.exec(embeddingModel)
  if (local) {
    const dimensions = local[2] === undefined ? undefined : Number(local[2])
    return createCachedEmbedder(await createOnnxEmbedder(resolve(local[1]!), { dimensions }))
  }
  // The configuration has seen to it that there is a key, and dimensions for a model that is not OpenAI's.
  const { model, dimensions } = modelAndDimensions(embeddingModel.slice('openai:'.length))
  const embedder = createOpenAiEmbedder({ ...config.openAi!, model, dimensions: dimensions!, clock })
  if (!books) return createCachedEmbedder(embedder)
  // What is not OpenAI's is on a server of one's own: free by decision.
  const prices = createPrices(model in OPENAI_DIMENSIONS ? LIST_PRICES : [...LIST_PRICES, freeOfCharge(model)])
  const budgeted = createBudgetedEmbedder(embedder, { ...books, prices, clock, provider: 'openai', model })
  if (!(model in OPENAI_DIMENSIONS)) return createCachedEmbedder(budgeted)
  return createCachedEmbedder(createOfflineEmbedder(budgeted, { ...books, prices, clock, model }))
}

async function createReranker(config: Config, clock: Clock, log: Log | undefined): Promise<Reranker> {
  const { model, apiKey } = config.rerank
  const lexical = new LexicalReranker()
  if (model === 'lexical') return lexical
  const first = model.startsWith('local:')
    ? await createOnnxReranker(resolve(model.slice('local:'.length)))
    : createHttpReranker({ ...httpModel(model), apiKey, clock })
  return createFallbackReranker(first, lexical, log ?? { warn: () => {} })
}

/** `http:<url>`, or just the address; what stands behind `#` names the model. */
function httpModel(setting: string): { url: string; model: string | undefined } {
  const address = new URL(setting.replace(/^http:(?=https?:)/, ''))
  const model = decodeURIComponent(address.hash.slice(1)) || undefined
  address.hash = ''
  return { url: address.href, model }
}
