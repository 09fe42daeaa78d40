import { LRUCache } from 'lru-cache'
import type { Embedder } from '#shared/ports/embedder.ts'

const MAX_QUERIES = 4_000

/**
 * Remembers the vectors of queries in memory: people ask the same, and a step that is repeated asks again. Documents are not kept
 * here but by the document store, beside the document and under its tenant, so that they go when it goes.
 */
export function createCachedEmbedder(inner: Embedder, maxQueries = MAX_QUERIES): Embedder {
  const known = new LRUCache<string, Float32Array>({ max: maxQueries })
  return {
    id: inner.id,
    dimensions: inner.dimensions,
    async embed(texts, kind, signal, owner) {
      if (kind === 'document') return inner.embed(texts, kind, signal, owner)
      signal.throwIfAborted()
      const missing = [...new Set(texts.filter((text) => !known.has(text)))]
      const computed = missing.length === 0 ? [] : await inner.embed(missing, kind, signal, owner)
      const fresh = new Map(missing.map((text, i) => [text, computed[i]!]))
      const vectors = texts.map((text) => fresh.get(text) ?? known.get(text)!)
      for (const [text, vector] of fresh) known.set(text, vector)
      // A copy, because whoever gets a vector may change it.
      return vectors.map((vector) => vector.slice())
    },
  }
}
