import type { Log } from '#shared/ports/log.ts'
import type { Reranker } from '#shared/ports/reranker.ts'

/** A reranker that is away makes a search worse, never impossible: `second` takes over for the query. */
export function createFallbackReranker(first: Reranker, second: Reranker, log: Pick<Log, 'warn'>): Reranker {
  return {
    id: first.id,
    async rerank(query, candidates, signal) {
      try {
        return await first.rerank(query, candidates, signal)
      } catch (err) {
        if (signal.aborted) throw err
        log.warn({ reranker: first.id, err }, `the reranker failed; ${second.id} ranked this query`)
        return second.rerank(query, candidates, signal)
      }
    },
  }
}
