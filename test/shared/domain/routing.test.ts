import { describe, expect, test } from 'vitest'
import { MODELS, type Provider, type TierModels } from '#shared/domain/model-table.ts'
import { createPrices } from '#shared/domain/price.ts'
import { decideTier, planRoute, type TierAsk } from '#shared/domain/routing.ts'
import { TenantConfig } from '#shared/domain/tenant.ts'
import { TenantModels } from '#shared/domain/tenant-models.ts'

const decide = (ask: Partial<TierAsk>, settings: unknown = {}) =>
  decideTier({ task: 'generate', usual: 'standard', complexity: 0.3, ...ask }, TenantModels.parse(settings))

describe('the tier', () => {
  test.each([
    [0, 'cheap'],
    [0.15, 'cheap'],
    [0.16, 'standard'],
    [0.74, 'standard'],
    [0.75, 'premium'],
    [1, 'premium'],
  ] as const)('of a question of complexity %d is %s', (complexity, tier) => {
    expect(decide({ complexity }).tier).toBe(tier)
  })
  test('of a prompt that is meant for a cheap or a premium model stays for plain questions', () => {
    expect(decide({ usual: 'premium', complexity: 0 }).tier).toBe('premium')
    expect(decide({ usual: 'cheap', complexity: 0.5 }).tier).toBe('cheap')
  })
  test('rises by one when a draft failed its checks, and stays at the top', () => {
    expect(decide({ failed: 'cheap' }).tier).toBe('standard')
    expect(decide({ failed: 'standard' }).tier).toBe('premium')
    expect(decide({ failed: 'premium' }).tier).toBe('premium')
  })
  test('keeps to the bounds of the tenant, and says which one it met', () => {
    expect(decide({ complexity: 0, customerTier: 'enterprise' })).toEqual({
      tier: 'standard',
      reasons: ['complexity 0.00 up to 0.15', 'enterprise customers get at least standard'],
    })
    expect(decide({ complexity: 0, customerTier: 'free' }).tier).toBe('cheap')
    expect(decide({ failed: 'standard' }, { atMost: 'standard' })).toMatchObject({ tier: 'standard' })
    expect(decide({ failed: 'cheap' }, { cascade: false }).tier).toBe('cheap')
    expect(decide({ complexity: 0.5 }, { premiumFrom: 0.4 }).tier).toBe('premium')
    expect(decide({ failed: 'cheap', customerTier: 'enterprise' }, { tasks: { generate: 'cheap' } })).toEqual({
      tier: 'cheap',
      reasons: ['the tenant has fixed cheap for generate'],
    })
  })
})

describe('the route', () => {
  const local: TierModels = { cheap: 'llama', standard: 'llama', premium: 'llama' }
  const available = new Map<Provider, TierModels>([
    ['openai', MODELS.openai.tiers],
    ['anthropic', MODELS.anthropic.tiers],
    ['extractive', { cheap: 'x', standard: 'x', premium: 'x' }],
  ])
  const plan = (settings: unknown = {}, map = available) =>
    planRoute(map, 'generate', 'cheap', TenantModels.parse(settings)).calls

  test("is the installation's order and models, unless the tenant has others", () => {
    expect(plan()).toEqual([
      { provider: 'openai', model: 'gpt-6-luna' },
      { provider: 'anthropic', model: 'claude-haiku-5-5' },
      { provider: 'extractive', model: 'x' },
    ])
    const own = { chains: { generate: ['anthropic', 'openai'] }, tiers: { anthropic: { cheap: 'claude-haiku-4-5' } } }
    expect(plan(own)).toEqual([
      { provider: 'anthropic', model: 'claude-haiku-4-5' },
      { provider: 'openai', model: 'gpt-6-luna' },
    ])
    expect(planRoute(available, 'classify', 'cheap', TenantModels.parse(own)).calls).toHaveLength(3)
  })
  test('leaves out what is not configured, down to nothing', () => {
    expect(plan({ chains: { generate: ['local'] } })).toEqual([])
    expect(plan({ chains: { generate: ['local', 'openai'] } }, new Map([['local', local]]))).toEqual([
      { provider: 'local', model: 'llama' },
    ])
  })
  test.each([
    ['classify', 10_000],
    ['generate', 30_000],
  ] as const)('of %s ends after %d ms', (task, deadlineMs) => {
    expect(planRoute(available, task, 'cheap', undefined).limits.deadlineMs).toBe(deadlineMs)
  })
})

test('every model that a tenant may choose has a price', () => {
  createPrices().assertPriced([...MODELS.openai.known, ...MODELS.anthropic.known])
})
test.each([
  ['an unknown model', { tiers: { openai: { cheap: 'gpt-7' } } }],
  ['a model that is not pinned', { tiers: { openai: { cheap: 'gpt-6-latest' } } }],
  ["another provider's model", { tiers: { anthropic: { cheap: 'gpt-6-luna' } } }],
  ['an unknown provider', { chains: { generate: ['azure'] } }],
  ['an empty chain', { chains: { generate: [] } }],
  ['a provider twice', { chains: { generate: ['openai', 'openai'] } }],
  ['an unknown task', { tasks: { dream: 'cheap' } }],
  ['an unknown tier', { tasks: { generate: 'best' } }],
  ['a threshold beyond 1', { premiumFrom: 2 }],
])('a tenant configuration with %s is refused', (_what, models) => {
  expect(TenantConfig.safeParse({ models }).success).toBe(false)
})
