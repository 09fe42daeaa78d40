import { expect, test } from 'vitest'
import { accountsOf, dayOf, fromNanoUsd, toNanoUsd } from '#shared/domain/budget.ts'
import { TenantBudgets } from '#shared/domain/tenant-budgets.ts'

const shipped = TenantBudgets.parse({})
const limitsOf = (payer: Parameters<typeof accountsOf>[0], budgets = shipped) =>
  accountsOf(payer, budgets, '2026-11-21').map(({ scope, owner, period, limitNanoUsd }) => [
    scope,
    owner,
    period,
    fromNanoUsd(limitNanoUsd),
  ])

test('what is shipped: 10 cents a conversation, a day and a month by tier, nothing for the tenant as a whole', () => {
  const payer = { tenantId: 'acme', customerId: 'u', conversationId: 'c' }
  expect(limitsOf({ ...payer, customerTier: 'free' })).toEqual([
    ['conversation', 'c', 'ever', 0.1],
    ['customer-day', 'u', '2026-11-21', 0.1],
    ['customer-month', 'u', '2026-11', 1],
  ])
  expect(
    limitsOf({ ...payer, customerTier: 'standard' })
      .slice(1)
      .map((one) => one[3]),
  ).toEqual([1, 10])
  expect(
    limitsOf(payer)
      .slice(1)
      .map((one) => one[3]),
  ).toEqual([1, 10])
  expect(
    limitsOf({ ...payer, customerTier: 'enterprise' })
      .slice(1)
      .map((one) => one[3]),
  ).toEqual([100, 1_000])
})

test('a tenant may bound all of its calls, indexing included', () => {
  const bounded = TenantBudgets.parse({ tenant: { dayUsd: 5, monthUsd: 50 } })
  expect(limitsOf({ tenantId: 'acme' }, bounded)).toEqual([
    ['tenant-day', '', '2026-11-21', 5],
    ['tenant-month', '', '2026-11', 50],
  ])
  expect(limitsOf({ tenantId: 'acme' })).toEqual([])
})

test('money is exact to the billionth, down to a cached token at batch price', () => {
  expect(toNanoUsd(0.01 / 1e6 / 2)).toBe(5)
  expect(toNanoUsd(0.1) + toNanoUsd(0.2)).toBe(toNanoUsd(0.3))
  for (const wrong of [-1e-9, Number.NaN, Number.POSITIVE_INFINITY, 1_000_001]) expect(() => toNanoUsd(wrong)).toThrow(RangeError)
})

test('days are UTC days', () => {
  expect(dayOf(new Date('2026-11-21T23:59:59.999Z'))).toBe('2026-11-21')
  expect(dayOf(new Date('2026-11-22T00:30:00+02:00'))).toBe('2026-11-21')
})
