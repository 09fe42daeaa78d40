import { join } from 'node:path'
import { HashEmbedder } from './adapters/models/embedder.hash.ts'
import { createOpenAiEmbedder } from './adapters/models/embedder.openai.ts'
import { LexicalReranker } from './adapters/models/reranker.lexical.ts'
import { SqliteDenseIndex } from './adapters/search/dense-index.sqlite.ts'
import { HybridSearcher } from './adapters/search/searcher.hybrid.ts'
import { SqliteSparseIndex } from './adapters/search/sparse-index.sqlite.ts'
import { type Config, ConfigError } from './config.ts'
import type { Clock } from './ports/clock.ts'
import type { Embedder } from './ports/embedder.ts'
import type { DenseIndex, SparseIndex } from './ports/search-index.ts'

const OPENAI_DIMENSIONS: Readonly<Record<string, number>> = { 'text-embedding-3-small': 1_536, 'text-embedding-3-large': 3_072 }

export async function createSearch(config: Config, clock: Clock) {
  if (config.qdrant || config.elasticsearch) {
    throw new ConfigError([
      'QDRANT_URL, ELASTICSEARCH_URL: the search servers are not wired in this version; unset them to use the embedded search',
    ])
  }
  const embedder = createEmbedder(config, clock)
  const folder = join(config.dataDir, 'search')
  const dense: DenseIndex & { close(): void } = new SqliteDenseIndex({ folder: join(folder, 'dense'), embedder })
  const sparse: SparseIndex & { close(): void } = new SqliteSparseIndex({ folder: join(folder, 'sparse') })
  const searcher = new HybridSearcher({ embedder, dense, sparse, reranker: new LexicalReranker() })
  return {
    embedder,
    dense,
    sparse,
    searcher,
    closeSearch() {
      dense.close()
      sparse.close()
    },
  }
}

function createEmbedder(config: Config, clock: Clock): Embedder {
  if (config.embeddingModel === 'hash') return new HashEmbedder()
  const model = config.embeddingModel.slice('openai:'.length)
  // The configuration has seen to it that there is a key.
  return createOpenAiEmbedder({ ...config.openAi!, model, dimensions: OPENAI_DIMENSIONS[model]!, clock })
}
