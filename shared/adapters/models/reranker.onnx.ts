import { retryable } from '#shared/domain/failure.ts'
import type { Reranker } from '#shared/ports/reranker.ts'
import { type ImportModule, openLocalModel } from './transformers.ts'

const BATCH = 8
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

/**
 * A cross-encoder in a folder: reads question and passage together, in this process, without a network. Scores are 0..1.
 * @throws Error that says what is missing
 */
export async function createOnnxReranker(folder: string, load?: ImportModule): Promise<Reranker> {
  const { transformers, name, options } = await openLocalModel(folder, `RERANK_MODEL=local:${folder}`, load)
  const tokenize = await transformers.AutoTokenizer.from_pretrained(name, { local_files_only: true })
  const model = await transformers.AutoModelForSequenceClassification.from_pretrained(name, options)
  return {
    id: `local-${name}`,
    async rerank(query, candidates, signal) {
      const scores: number[] = []
      for (let at = 0; at < candidates.length; at += BATCH) {
        signal.throwIfAborted()
        const batch = candidates.slice(at, at + BATCH)
        const passages = batch.map(({ chunk }) => [chunk.title, chunk.section.join(' > '), chunk.text].filter(Boolean).join('\n'))
        const inputs = tokenize(Array(batch.length).fill(query), { text_pair: passages, padding: true, truncation: true })
        const { logits } = await model(inputs)
        scores.push(...scoresOf(logits, batch.length))
      }
      return scores
    },
  }
}

/** One logit: relevance. Two: not relevant and relevant. */
function scoresOf({ dims, data }: { dims: readonly number[]; data: ArrayLike<number> }, count: number): number[] {
  const labels = dims.at(-1) ?? 0
  if (dims[0] !== count || (labels !== 1 && labels !== 2))
    throw retryable('provider-bad-reply', `the local reranker gave a result of the shape ${dims.join(' x ')}`)
  return Array.from({ length: count }, (_, i) => (labels === 1 ? sigmoid(data[i]!) : sigmoid(data[2 * i + 1]! - data[2 * i]!)))
}
