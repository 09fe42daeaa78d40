import type { Chunk } from '#shared/domain/document.ts'
import type { ScoredChunk, SearchFilter, SparseIndex } from '#shared/ports/search-index.ts'
import { contentTerms } from '#shared/text/tokenize.ts'
import { MemoryChunks } from './chunks.memory.ts'

const K1 = 1.2
const B = 0.75

/** BM25 as in the textbook, over title (three times), section (twice) and text. */
export class MemorySparseIndex implements SparseIndex {
  readonly #chunks = new MemoryChunks<Chunk>((chunk) => chunk)

  async replaceDocument(tenantId: string, documentId: string, items: readonly Chunk[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#chunks.replace(tenantId, documentId, items)
  }

  async deleteDocument(tenantId: string, documentId: string): Promise<void> {
    this.#chunks.replace(tenantId, documentId, [])
  }

  async deleteTenant(tenantId: string): Promise<void> {
    this.#chunks.drop(tenantId)
  }

  async search(query: string, filter: SearchFilter, limit: number, signal: AbortSignal): Promise<ScoredChunk[]> {
    signal.throwIfAborted()
    const all = this.#chunks.matching(filter).map((chunk) => ({ chunk, counts: countsOf(chunk) }))
    const length = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0)
    const average = all.reduce((sum, { counts }) => sum + length(counts), 0) / Math.max(all.length, 1)
    const score = (counts: ReadonlyMap<string, number>) =>
      [...new Set(contentTerms(query))].reduce((sum, term) => {
        const documents = all.filter((other) => other.counts.has(term)).length
        const times = counts.get(term) ?? 0
        const rarity = Math.log(1 + (all.length - documents + 0.5) / (documents + 0.5))
        return sum + (rarity * times * (K1 + 1)) / (times + K1 * (1 - B + (B * length(counts)) / average))
      }, 0)
    const scored = all.map(({ chunk, counts }) => ({ chunk, score: score(counts) })).filter((hit) => hit.score > 0)
    return scored.sort((a, b) => b.score - a.score).slice(0, limit)
  }

  async chunksAt(filter: SearchFilter, documentId: string, positions: readonly number[]): Promise<Chunk[]> {
    return this.#chunks.matching(filter).filter((chunk) => chunk.documentId === documentId && positions.includes(chunk.position))
  }

  async count(tenantId: string): Promise<number> {
    return this.#chunks.count(tenantId)
  }

  async health(): Promise<{ ok: boolean; detail: string }> {
    return { ok: true, detail: 'in memory' }
  }
}

function countsOf(chunk: Chunk): Map<string, number> {
  const counts = new Map<string, number>()
  const fields = [
    [chunk.title, 3],
    [chunk.section.join(' '), 2],
    [chunk.text, 1],
  ] as const
  for (const [text, weight] of fields) for (const term of contentTerms(text)) counts.set(term, (counts.get(term) ?? 0) + weight)
  return counts
}
