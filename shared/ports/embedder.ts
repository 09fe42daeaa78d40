import type { Payer } from '#shared/domain/budget.ts'
import type { Lane } from '#shared/domain/ticket.ts'

/** Whose texts these are: `context.call` of a step will do. */
export type EmbeddingFor = Payer & {
  readonly runId: string
  readonly step: string
  readonly visit: number
  /** In the lane `offline` documents may wait for a provider batch: then `embed` throws `Parked`. */
  readonly lane?: Lane
  readonly deadlineAt?: Date
  /** Told after every request that was billed; set by whoever keeps the books. */
  readonly onBilled?: (inputTokens: number) => void
}

export interface Embedder {
  /** Names the model and every setting that changes its vectors, e.g. `hash-512-v3`; vectors of two ids never mix. */
  readonly id: string
  readonly dimensions: number
  /**
   * @param kind documents and queries may be embedded differently
   * @param owner who pays; where embeddings cost money, those without an owner are booked on nobody
   * @returns one unit-length vector per text, in order
   */
  embed(texts: readonly string[], kind: 'document' | 'query', signal: AbortSignal, owner?: EmbeddingFor): Promise<Float32Array[]>
}
