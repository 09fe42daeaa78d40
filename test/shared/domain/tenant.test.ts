import { describe, expect, test } from 'vitest'
import { TENANT_ID, TenantConfig } from '#shared/domain/tenant.ts'

const accepts = (config: unknown) => TenantConfig.safeParse(config).success

test('an empty configuration works, by the escalation rules of the house', () => {
  const { policies, limits, examples, webhook } = TenantConfig.parse({})
  expect(policies).toMatchObject({
    alwaysEscalate: ['P0', 'P1'],
    escalateP2For: ['enterprise'],
    closeIntents: ['spam'],
    cache: true,
  })
  expect(Object.values(limits).every((limit) => limit > 0)).toBe(true)
  expect([examples, webhook]).toEqual([[], {}])
})

test('what is set leaves the defaults around it, and parsing again changes nothing', () => {
  const config = TenantConfig.parse({ policies: { cache: false }, limits: { maxBacklog: 5 } })
  expect(config.policies).toMatchObject({ cache: false, blockInjectionAt: 0.7 })
  expect(config.limits).toMatchObject({ maxBacklog: 5, ticketsPerMinute: 6_000 })
  expect(TenantConfig.parse(config)).toEqual(config)
})

test('two tenants never share a default', () => {
  const one = TenantConfig.parse({})
  one.policies.alwaysEscalate.push('P3')
  one.examples.push({ text: 'x', intent: 'y' })
  expect(TenantConfig.parse({}).policies.alwaysEscalate).toEqual(['P0', 'P1'])
  expect(TenantConfig.parse({}).examples).toEqual([])
})

test.each([
  { polices: {} },
  { policies: { cash: true } },
  { limits: { ticketsPerMinute: 0 } },
  { limits: { maxBacklog: 1.5 } },
  { policies: { alwaysEscalate: ['P9'] } },
  { policies: { blockInjectionAt: 1.1 } },
  { policies: { escalationExpiresAfterHours: 0 } },
  { budgets: { customer: { free: { dayUsd: -0.1 } } } },
  { budgets: { customer: { gold: { dayUsd: 1 } } } },
  { budgets: { conversationUsd: Number.NaN } },
  { budgets: { conversationUsd: '1' } },
  { budgets: { tenant: { monthUsd: Number.POSITIVE_INFINITY } } },
  { budgets: { tenant: { monthUsd: 1e9 } } },
  { examples: [{ text: '', intent: 'x' }] },
  { examples: [{ text: 'x', intent: 'Has Spaces' }] },
  { webhook: { url: 'file:///etc/passwd' } },
])('a mistake is refused, not passed over: %j', (config) => {
  expect(accepts(config)).toBe(false)
})

describe('a webhook secret', () => {
  test.each([`whsec_${'a'.repeat(24)}`, `whsec_${'+/9Z'.repeat(10)}==`])('%s is taken', (secret) => {
    expect(accepts({ webhook: { secret } })).toBe(true)
  })
  test.each(['', 'secret', `whsec_${'a'.repeat(23)}`, `whsec_${'a'.repeat(24)}!`, `${'a'.repeat(40)}`])(
    '%s is refused',
    (secret) => {
      expect(accepts({ webhook: { secret } })).toBe(false)
    },
  )
})

test('an id of a tenant is fit for addresses, keys and queue names', () => {
  for (const id of ['a', 'acme', 'acme-2', '0', 'x'.repeat(63)]) expect(id).toMatch(TENANT_ID)
  for (const id of ['', '-acme', 'Acme', 'a_b', 'a:b', 'a/b', 'a b', 'ä', 'x'.repeat(64), 'acme\n'])
    expect(id).not.toMatch(TENANT_ID)
})
