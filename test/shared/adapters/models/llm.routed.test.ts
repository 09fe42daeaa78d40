import { describe, expect, test } from 'vitest'
import { createRoutedLlm, MAX_OUTPUT_TOKENS, withTenantTier } from '#shared/adapters/models/llm.routed.ts'
import { MODELS, type Provider, type TierModels } from '#shared/domain/model-table.ts'
import { TenantModels } from '#shared/domain/tenant-models.ts'
import type { LlmRequest } from '#shared/ports/llm.ts'
import { draftRequest, failureFrom } from '#test/contracts/llm.contract.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'

const DRAFT = '{"answerable":false,"sentences":[],"followUps":[]}'
const signal = new AbortController().signal
const available = new Map<Provider, TierModels>([
  ['openai', MODELS.openai.tiers],
  ['anthropic', MODELS.anthropic.tiers],
])

function routed() {
  const inner = createScriptedLlm([DRAFT])
  return { inner, llm: createRoutedLlm(inner, available) }
}
const of = (models: unknown) => draftRequest({ call: { ...draftRequest().call, models: TenantModels.parse(models) } })

test('a request goes on with the route that its tenant has asked for', async () => {
  const { inner, llm } = routed()
  await llm.generate(of({ chains: { generate: ['anthropic'] }, tiers: { anthropic: { standard: 'claude-opus-5-5' } } }), {
    signal,
  })
  await llm.generate(draftRequest(), { signal })
  expect(inner.requests.map(({ route }) => route?.calls)).toEqual([
    [{ provider: 'anthropic', model: 'claude-opus-5-5' }],
    [
      { provider: 'openai', model: 'gpt-6.1-terra' },
      { provider: 'anthropic', model: 'claude-sonnet-5-5' },
    ],
  ])
})

test('a chain of providers that are not configured needs a person at once', async () => {
  const { inner, llm } = routed()
  const failure = await failureFrom(llm.generate(of({ chains: { generate: ['local'] } }), { signal }))
  expect(failure).toMatchObject({ kind: 'terminal', code: 'no-model-configured' })
  expect(inner.requests).toHaveLength(0)
})

test('a tier that the tenant has fixed replaces the asked one before the journal sees it', async () => {
  const inner = createScriptedLlm([DRAFT])
  const llm = withTenantTier(inner)
  await llm.generate(of({ tasks: { generate: 'premium' } }), { signal })
  await llm.generate(of({ tasks: { classify: 'premium' } }), { signal })
  expect(inner.requests.map(({ tier }) => tier)).toEqual(['premium', 'standard'])
})

describe('a request that no model should see is refused before anybody is asked', () => {
  const message = (role: string, content: unknown) => ({ messages: [{ role, content }] }) as unknown as Partial<LlmRequest>
  test.each<[string, Partial<LlmRequest>]>([
    ['an unknown role', message('system', 'x')],
    ['a role that is no text', message(undefined as unknown as string, 'x')],
    ['an empty message', message('user', '')],
    ['a message that is no text', message('user', { type: 'image' })],
    ['no message', { messages: [] }],
    ['no room for a reply', { maxOutputTokens: 0 }],
    ['a negative length', { maxOutputTokens: -5 }],
    ['a length that is no whole number', { maxOutputTokens: 1.5 }],
    ['an absurd length', { maxOutputTokens: 10_000_000 }],
    ['no length', { maxOutputTokens: Number.NaN }],
    ['an unknown task', { task: 'dream' as LlmRequest['task'] }],
    ['an unknown tier', { tier: 'best' as LlmRequest['tier'] }],
  ])('%s', async (_what, change) => {
    const { inner, llm } = routed()
    const failure = await failureFrom(llm.generate({ ...draftRequest(), ...change } as LlmRequest, { signal }))
    expect(failure).toMatchObject({ kind: 'terminal', code: 'request-invalid' })
    expect(inner.requests).toHaveLength(0)
  })
  test('but the longest reply that is allowed is', async () => {
    const { inner, llm } = routed()
    await llm.generate(draftRequest({ maxOutputTokens: MAX_OUTPUT_TOKENS }), { signal })
    expect(inner.requests).toHaveLength(1)
  })
})
