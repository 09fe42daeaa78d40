import { describe, expect, it } from 'vitest'
import { createPrices, freeOfCharge, LIST_PRICES } from '#shared/domain/price.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'

const NOW = new Date('2026-11-21T00:00:00Z')
const prices = createPrices()
const million = { ...NO_USAGE, inputTokens: 1_000_000 }

describe('the price table', () => {
  it('prices fresh, read, written and produced tokens apart', () => {
    const usage = { inputTokens: 100_000, cacheReadTokens: 60_000, cacheWriteTokens: 30_000, outputTokens: 10_000 }
    // 10k fresh at 1, 60k read at .05, 30k written at 1.25, 10k out at 5 dollars a million
    expect(prices.costUsd('gpt-6.1-terra', usage, NOW)).toBeCloseTo(0.01 + 0.003 + 0.0375 + 0.05, 12)
    expect(prices.costUsd('claude-opus-5-5', usage, NOW)).toBeCloseTo(0.04 + 0.012 + 0.15 + 0.2, 12)
  })

  it('charges half for a batch', () => {
    const usage = { ...NO_USAGE, inputTokens: 5_000, outputTokens: 700 }
    const alone = prices.costUsd('claude-sonnet-5-5', usage, NOW)
    expect(prices.costUsd('claude-sonnet-5-5', usage, NOW, { batch: true })).toBeCloseTo(alone / 2, 12)
  })

  it('charges a long request more as a whole, and one token less does not', () => {
    const usage = { ...NO_USAGE, inputTokens: 272_000, outputTokens: 1_000 }
    expect(prices.costUsd('gpt-6-sol', usage, NOW)).toBeCloseTo(0.544 + 0.01, 12)
    expect(prices.costUsd('gpt-6-sol', { ...usage, inputTokens: 272_001 }, NOW)).toBeCloseTo((272_001 * 4) / 1e6 + 0.015, 12)
    const haiku = { ...NO_USAGE, inputTokens: 100_001, outputTokens: 1_000 }
    expect(prices.costUsd('claude-haiku-5-5', haiku, NOW)).toBeCloseTo((100_001 * 0.5) / 1e6 + 0.0025, 12)
  })

  it('keeps the old price for calls made before a new one holds', () => {
    const [first] = LIST_PRICES
    const dated = createPrices([...LIST_PRICES, { ...first!, from: '2027-01-01', inputUsd: 3 }])
    const short = { ...NO_USAGE, inputTokens: 1_000 }
    expect(dated.costUsd(first!.model, short, new Date('2026-12-31T23:59:59Z'))).toBeCloseTo(0.001, 12)
    expect(dated.costUsd(first!.model, short, new Date('2027-01-01T00:00:00Z'))).toBeCloseTo(0.003, 12)
  })

  it('never guesses the price of a model it does not know', () => {
    expect(() => prices.costUsd('gpt-99', million, NOW)).toThrow('gpt-99')
    expect(() => prices.assertPriced(['gpt-6-luna', 'gpt-99', 'claude-0'])).toThrow('gpt-99, claude-0')
    expect(() => prices.assertPriced(['gpt-6-luna', 'claude-haiku-5-5'])).not.toThrow()
  })

  it('knows that a model of one’s own costs nothing because somebody said so', () => {
    expect(createPrices([freeOfCharge('llama')]).costUsd('llama', million, NOW)).toBe(0)
  })

  it('refuses two prices from one day, a negative rate and a wrong day', () => {
    const row = freeOfCharge('llama')
    expect(() => createPrices([row, row])).toThrow('two prices of llama')
    expect(() => createPrices([{ ...row, inputUsd: -1 }])).toThrow('llama')
    expect(() => createPrices([{ ...row, inputUsd: Number.NaN }])).toThrow('llama')
    expect(() => createPrices([{ ...row, from: 'tomorrow' }])).toThrow('tomorrow')
  })
})
