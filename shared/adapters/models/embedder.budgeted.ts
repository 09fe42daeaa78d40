import { terminal } from '#shared/domain/failure.ts'
import type { Prices } from '#shared/domain/price.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { Budget, Reservation } from '#shared/ports/budget.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Embedder, EmbeddingFor } from '#shared/ports/embedder.ts'
import type { Log } from '#shared/ports/log.ts'

export type BudgetedEmbedderOptions = {
  readonly budget: Budget
  readonly prices: Prices
  readonly clock: Clock
  readonly log: Pick<Log, 'warn'>
  /** The model that is billed, e.g. `text-embedding-3-small`. */
  readonly model: string
  readonly provider: string
}

/** Under no tenant's limits, but on the books: who forgets to say whose texts these are is found in the usage report. */
const NOBODY: EmbeddingFor = { tenantId: '-', runId: '-', step: 'embed', visit: 1 }
const SPARE_TOKENS = 2

/**
 * Embeddings on the books: set aside by the byte (no text has more tokens than bytes), settled at the tokens that the provider
 * counted.
 * @param inner must call `owner.onBilled` after every request that was billed
 * @throws `budget-exhausted` (terminal) where no money is left, `budget-unavailable` (retryable)
 */
export function createBudgetedEmbedder(
  inner: Embedder,
  { budget, prices, clock, log, model, provider }: BudgetedEmbedderOptions,
): Embedder {
  prices.assertPriced([model])
  const usdOf = (inputTokens: number) => prices.costUsd(model, { ...NO_USAGE, inputTokens }, clock.now())

  async function reserve(texts: readonly string[], owner: EmbeddingFor): Promise<Reservation> {
    const worstUsd = usdOf(texts.reduce((sum, text) => sum + SPARE_TOKENS + Buffer.byteLength(text), 0))
    const decision = await budget.reserve({ payer: owner, purpose: 'embed', worstUsd })
    if (decision.granted) return decision.reservation
    const { scope, leftUsd, limitUsd } = decision.refusal
    throw terminal('budget-exhausted', `${scope}: ${leftUsd.toFixed(6)} of ${limitUsd} USD are left, too little to embed`)
  }

  return {
    id: inner.id,
    dimensions: inner.dimensions,
    async embed(texts, kind, signal, owner = NOBODY) {
      if (texts.length === 0) return []
      const reservation = await reserve(texts, owner)
      let inputTokens = 0
      const onBilled = (tokens: number) => {
        inputTokens += tokens
      }
      try {
        return await inner.embed(texts, kind, signal, { ...owner, onBilled })
      } finally {
        // Of several requests, those before the one that failed were billed.
        void budget
          .settle(reservation, usdOf(inputTokens), { provider, model, inputTokens })
          .catch((err) => log.warn({ err, reservation: reservation.id }, 'an embedding is closed by its time'))
      }
    },
  }
}
