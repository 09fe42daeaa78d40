import { createPrices } from '#shared/domain/price.ts'
import { NO_USAGE, type Usage } from '#shared/domain/usage.ts'
import type { Fault } from './faults.ts'

type ModelFigures = Usage & { readonly calls: number; readonly costUsd: number }
export type MeterFigures = {
  /** Every request to a model, also those that got an error. */
  readonly calls: number
  readonly rejected: number
  readonly tokens: Usage
  readonly costUsd: number
  readonly byModel: Readonly<Record<string, ModelFigures>>
  readonly byFault: Readonly<Partial<Record<Fault, number>>>
}

/** What a provider's bill would say: counted on the provider's side, so that our own bookkeeping can be checked against it. */
export function createMeter(freeModels: ReadonlySet<string>) {
  const prices = createPrices()
  let calls = 0
  let rejected = 0
  let byModel: Record<string, ModelFigures> = {}
  let byFault: Partial<Record<Fault, number>> = {}

  const sum = (of: (figures: ModelFigures) => number) => Object.values(byModel).reduce((total, figures) => total + of(figures), 0)
  return {
    request(fault: Fault | undefined) {
      calls++
      if (fault) byFault[fault] = (byFault[fault] ?? 0) + 1
    },
    reject: () => void rejected++,
    /** @param batch through a batch API, at half the price */
    bill(model: string, usage: Usage, batch = false) {
      const before = byModel[model] ?? { ...NO_USAGE, calls: 0, costUsd: 0 }
      const costUsd = freeModels.has(model) ? 0 : prices.costUsd(model, usage, new Date(), { batch })
      byModel[model] = { ...added(before, usage), calls: before.calls + 1, costUsd: before.costUsd + costUsd }
    },
    read(): MeterFigures {
      const tokens = Object.values(byModel).reduce<Usage>(added, NO_USAGE)
      return {
        calls,
        rejected,
        tokens,
        costUsd: sum((figures) => figures.costUsd),
        byModel: { ...byModel },
        byFault: { ...byFault },
      }
    },
    reset() {
      calls = 0
      rejected = 0
      byModel = {}
      byFault = {}
    },
  }
}
export type Meter = ReturnType<typeof createMeter>

const added = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
  cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
})
