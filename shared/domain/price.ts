import type { Usage } from './usage.ts'

/** US dollars per million tokens, from a day on. Cached input has prices of its own; embeddings have no output. */
export type Price = {
  readonly model: string
  /** The first day (UTC, `YYYY-MM-DD`) this price holds; absent on the oldest known price, which also serves every day before. */
  readonly from?: string
  readonly inputUsd: number
  readonly cacheReadUsd: number
  readonly cacheWriteUsd: number
  readonly outputUsd: number
  /** Beyond this many input tokens the whole request costs more, not only the tokens beyond it. */
  readonly longContext?: { readonly aboveInputTokens: number; readonly inputFactor: number; readonly outputFactor: number }
}

export interface Prices {
  /**
   * @param at when the call was made
   * @param options `batch`: through the provider's batch API, at half the price
   * @returns US dollars
   * @throws TypeError when the table has no price for the model: a guess would make every budget and report wrong
   */
  costUsd(model: string, usage: Usage, at: Date, options?: { readonly batch?: boolean }): number
  /** For start-up. @throws TypeError that names every model without a price */
  assertPriced(models: readonly string[]): void
}

const BATCH_FACTOR = 0.5
const OPENAI_LONG = { aboveInputTokens: 272_000, inputFactor: 2, outputFactor: 1.5 }
const HAIKU_LONG = { aboveInputTokens: 100_000, inputFactor: 5, outputFactor: 5 }

function price(model: string, inputUsd: number, cacheReadUsd: number, cacheWriteUsd: number, outputUsd: number): Price {
  return { model, inputUsd, cacheReadUsd, cacheWriteUsd, outputUsd }
}
const openAi = (...row: Parameters<typeof price>): Price => ({ ...price(...row), longContext: OPENAI_LONG })
const embedding = (model: string, inputUsd: number): Price => price(model, inputUsd, inputUsd, inputUsd, 0)

/** List prices as of November 2026. A change is a new row with `from`, never an edit: old calls keep their price. */
export const LIST_PRICES: readonly Price[] = [
  openAi('gpt-6.1-terra', 1, 0.05, 1.25, 5),
  openAi('gpt-6-sol', 2, 0.2, 2.5, 10),
  openAi('gpt-6-luna', 0.1, 0.01, 0.125, 0.5),
  openAi('gpt-6-astra', 10, 1, 12.5, 50),
  openAi('gpt-5.6-luna', 0.2, 0.02, 0.25, 1.2),
  price('claude-opus-5-5', 4, 0.2, 5, 20),
  price('claude-sonnet-5-5', 2, 0.1, 2.5, 10),
  { ...price('claude-haiku-5-5', 0.1, 0.01, 0.125, 0.5), longContext: HAIKU_LONG },
  price('claude-haiku-4-5', 1, 0.1, 1.25, 5),
  embedding('text-embedding-3-small', 0.02),
  embedding('text-embedding-3-large', 0.13),
]

/** A model on one's own machine: free by decision, which is not the same as unknown. */
export const freeOfCharge = (model: string): Price => price(model, 0, 0, 0, 0)

/** @throws TypeError when a row is wrong or two rows of one model begin on the same day */
export function createPrices(rows: readonly Price[] = LIST_PRICES): Prices {
  const byModel = new Map<string, Price[]>()
  for (const row of rows) {
    assertRow(row)
    const known = byModel.get(row.model) ?? []
    if (known.some((other) => other.from === row.from))
      throw new TypeError(`two prices of ${row.model} from ${row.from ?? 'ever'}`)
    byModel.set(row.model, [...known, row])
  }
  // The newest first, so that the first row that has begun is the one that holds.
  for (const known of byModel.values()) known.sort((a, b) => ((a.from ?? '') < (b.from ?? '') ? 1 : -1))

  return {
    costUsd(model, usage, at, options = {}) {
      const day = at.toISOString().slice(0, 10)
      const row = byModel.get(model)?.find((candidate) => (candidate.from ?? '') <= day)
      if (!row) throw new TypeError(`no price for the model "${model}" on ${day}`)
      return costOf(row, usage) * (options.batch ? BATCH_FACTOR : 1)
    },
    assertPriced(models) {
      const unknown = models.filter((model) => !byModel.has(model))
      if (unknown.length > 0) throw new TypeError(`no price for: ${unknown.join(', ')}; add one to the price table`)
    },
  }
}

function costOf(row: Price, usage: Usage): number {
  const freshTokens = Math.max(0, usage.inputTokens - usage.cacheReadTokens - usage.cacheWriteTokens)
  const long = row.longContext && usage.inputTokens > row.longContext.aboveInputTokens ? row.longContext : undefined
  const input = freshTokens * row.inputUsd + usage.cacheReadTokens * row.cacheReadUsd + usage.cacheWriteTokens * row.cacheWriteUsd
  return (input * (long?.inputFactor ?? 1) + usage.outputTokens * row.outputUsd * (long?.outputFactor ?? 1)) / 1_000_000
}

function assertRow(row: Price) {
  const rates = [row.inputUsd, row.cacheReadUsd, row.cacheWriteUsd, row.outputUsd]
  if (rates.some((rate) => !(rate >= 0))) throw new TypeError(`the price of ${row.model} has a rate below 0`)
  if (row.from !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(row.from)) throw new TypeError(`"${row.from}" is not a day`)
}
