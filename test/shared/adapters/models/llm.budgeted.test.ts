import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { createBilledCalls } from '#shared/adapters/models/billed-calls.ts'
import { createFailedCalls } from '#shared/adapters/models/failed-calls.ts'
import { createBudgetedLlm } from '#shared/adapters/models/llm.budgeted.ts'
import { createExtractiveLlm } from '#shared/adapters/models/llm.extractive.ts'
import { createFallbackLlm } from '#shared/adapters/models/llm.fallback.ts'
import { createRoutedLlm } from '#shared/adapters/models/llm.routed.ts'
import { ProviderFailure } from '#shared/adapters/models/provider-failure.ts'
import { inputBill, worstCaseUsd } from '#shared/adapters/models/worst-case.ts'
import { ModelDraft } from '#shared/domain/draft.ts'
import { retryable } from '#shared/domain/failure.ts'
import { MODELS, type Provider, type TierModels } from '#shared/domain/model-table.ts'
import type { Passage } from '#shared/domain/passage.ts'
import { createPrices } from '#shared/domain/price.ts'
import { TenantBudgets } from '#shared/domain/tenant-budgets.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { Budget } from '#shared/ports/budget.ts'
import type { LlmReply, LlmRequest } from '#shared/ports/llm.ts'
import { createMemoryBudget } from '#test/fakes/budget.memory.ts'
import { createMemoryJournal } from '#test/fakes/journal.memory.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'

const clock = { now: () => new Date('2026-11-21T12:00:00.000Z'), random: () => 0.5 }
const prices = createPrices()
const extractiveModels: TierModels = { cheap: 'extractive-1', standard: 'extractive-1', premium: 'extractive-1' }

type Turn = (request: LlmRequest) => Promise<{ costUsd: number }>
const pays =
  (costUsd: number): Turn =>
  async () => ({ costUsd })
const breaks =
  (costUsd: number): Turn =>
  () =>
    Promise.reject(
      new ProviderFailure(retryable('provider-bad-reply', 'no JSON').failure, {
        provider: 'x',
        model: 'y',
        usage: NO_USAGE,
        costUsd,
      }),
    )

/** The product's own stack from the budget down, with links that cost what the test says. */
function world(turns: Partial<Record<'openai' | 'anthropic', Turn>>, conversationUsd: number, budget?: Budget) {
  const seen: string[] = []
  const links = Object.entries(turns).map(([name, turn]) => ({
    name,
    llm: {
      async generate<T>(request: LlmRequest<T>): Promise<LlmReply<T>> {
        seen.push(`${name} ${request.tier}`)
        const { costUsd } = await turn(request as LlmRequest)
        const text = '{"answerable":false,"sentences":[],"followUps":[]}'
        const value = request.schema.type.parse(JSON.parse(text))
        return { value, text, provider: name, model: 'm', usage: NO_USAGE, costUsd, latencyMs: 1, fromJournal: false }
      },
      ready: async () => ({ ok: true, detail: '' }),
    },
  }))
  const extractive = createExtractiveLlm({ clock })
  const journal = createMemoryJournal()
  const billedCalls = createBilledCalls(createFailedCalls(journal, clock), (one, model) =>
    inputBill(one, model, prices, clock.now()),
  )
  const log = recordingLog()
  const fallback = createFallbackLlm([...links, { name: 'extractive', llm: extractive }], {
    log,
    clock,
    failedCalls: billedCalls,
  })
  const models = new Map<Provider, TierModels>(
    Object.keys(turns).map((name) => [name as 'openai', MODELS[name as 'openai'].tiers]),
  )
  models.set('extractive', extractiveModels)
  const memory = createMemoryBudget(() => TenantBudgets.parse({ conversationUsd }), clock)
  const llm = createBudgetedLlm(createRoutedLlm(fallback, models), {
    budget: budget ?? memory,
    prices,
    billedCalls,
    extractive,
    clock,
    log,
  })
  return { llm, memory, seen, log, journal }
}

const passage = { ...sampleChunk({ documentId: 'doc_1', text: 'The box is blue.' }), n: 1, score: 1 } as unknown as Passage
const call = { tenantId: 'acme', runId: 'run_1', step: 'generate', visit: 1, conversationId: 'c', customerId: 'u' }
const request = (change: Partial<LlmRequest> = {}): LlmRequest => ({
  task: 'generate',
  tier: 'premium',
  prompt: { id: 'p', version: 1, hash: 'h' },
  system: 'You answer.',
  messages: [{ role: 'user', content: 'What colour is the box? '.repeat(40) }],
  schema: { name: 'draft', type: ModelDraft },
  maxOutputTokens: 1_000,
  call,
  material: { question: 'What colour is the box?', passages: [passage] },
  ...change,
})
const options = { signal: new AbortController().signal }
const settled = (memory: ReturnType<typeof world>['memory']) =>
  memory.asks.filter(({ granted }) => granted).map(({ costUsd }) => costUsd)

describe('a model under a budget', () => {
  test('reserves before the call and settles what it cost', async () => {
    const { llm, memory } = world({ openai: pays(0.004) }, 1)
    await llm.generate(request(), options)
    expect(memory.asks).toMatchObject([{ granted: true, costUsd: 0.004, ask: { purpose: 'generate', tier: 'premium' } }])
    expect(memory.asks[0]!.ask.worstUsd).toBeGreaterThan(0.01)
    expect(memory.open()).toBe(0)
  })

  test('the money is out while the call is under way', async () => {
    let held = 0
    const look = () => {
      held = memory.open()
      return { costUsd: 0.001 }
    }
    const { llm, memory } = world({ openai: async () => look() }, 1)
    await llm.generate(request(), options)
    expect(held).toBe(1)
  })

  test('a reply that follows a billed failure is charged with it, and so is a failure that nobody got over', async () => {
    const after = world({ openai: breaks(0.003), anthropic: pays(0.004) }, 1)
    await after.llm.generate(request(), options)
    expect(settled(after.memory)).toEqual([expect.closeTo(0.007, 9)])
    const both = world({ openai: breaks(0.003), anthropic: breaks(0.005) }, 1)
    await expect(both.llm.generate(request({ task: 'verify', call: { ...call } }), options)).rejects.toMatchObject({
      failure: { code: 'provider-bad-reply' },
    })
    expect(settled(both.memory)).toEqual([expect.closeTo(0.008, 9)])
  })

  test('a failure that cost nothing gives everything back', async () => {
    const { llm, memory } = world({ openai: () => Promise.reject(retryable('provider-unavailable', 'away')) }, 1)
    await expect(llm.generate(request({ task: 'verify' }), options)).rejects.toMatchObject({
      failure: { code: 'provider-unavailable' },
    })
    expect(settled(memory)).toEqual([0])
    expect(memory.open()).toBe(0)
  })

  test('a call that was given up on is booked at what the provider has read, in the budget as in the journal', async () => {
    const bill = { provider: 'openai', model: 'gpt-6-sol', usage: NO_USAGE, costUsd: 0 }
    const stalls = () => Promise.reject(new ProviderFailure(retryable('provider-stalled', 'silence').failure, bill))
    const { llm, memory, journal } = world({ openai: stalls, anthropic: pays(0.004) }, 1)
    await llm.generate(request(), options)
    const entry = journal.entries[0]!
    expect(entry.usage.inputTokens).toBeGreaterThan(200)
    expect(entry.costUsd).toBeCloseTo((entry.usage.inputTokens * 2) / 1e6, 12)
    expect(settled(memory)).toEqual([expect.closeTo(0.004 + entry.costUsd, 9)])
  })

  test('a call that is cancelled is booked at what the provider has read', async () => {
    const cancel = new AbortController()
    const hangs: Turn = async () => {
      cancel.abort(new Error('the customer left'))
      throw cancel.signal.reason
    }
    const { llm, memory } = world({ openai: hangs }, 1)
    await expect(llm.generate(request(), { signal: cancel.signal })).rejects.toThrow('the customer left')
    expect(settled(memory)[0]).toBeGreaterThan(0.0004)
  })

  test('goes down the ladder: a cheaper tier, then quoted sentences, then a person; each with what is left and what came next', async () => {
    // gpt-6-sol writes 1,000 tokens for 1 cent, gpt-6.1-terra for half of it, gpt-6-luna for a twentieth.
    const cheaper = world({ openai: pays(0.004) }, 0.007)
    expect((await cheaper.llm.generate(request(), options)).lowered).toEqual({
      to: 'standard',
      reason: 'conversation: 0.007000 of 0.007 USD left',
    })
    expect(cheaper.seen).toEqual(['openai standard'])
    expect(cheaper.memory.asks.filter(({ granted }) => !granted).map(({ ask }) => [ask.tier, ask.ifRefused])).toEqual([
      ['premium', 'premium'],
      ['premium', 'standard'],
      ['standard', 'standard'],
    ])
    const quoting = world({ openai: pays(0.004) }, 0.0001)
    const reply = await quoting.llm.generate(request(), options)
    expect([reply.model, reply.lowered?.to]).toEqual(['extractive-1', 'extractive'])
    expect(quoting.seen).toEqual([])
    expect(quoting.memory.asks.at(-1)!.ask).toMatchObject({ tier: 'cheap', ifRefused: 'extractive' })
    const person = world({ openai: pays(0.004) }, 0.0001)
    await expect(person.llm.generate(request({ task: 'verify' }), options)).rejects.toMatchObject({
      failure: {
        kind: 'needs-person',
        code: 'budget-exhausted',
        message: expect.stringContaining('conversation: 0.000100 of 0.0001 USD'),
      },
    })
    expect(person.memory.asks.at(-1)!.ask.ifRefused).toBe('person')
    expect(person.log.lines.filter(({ message }) => message.includes('does not pay'))).toHaveLength(3)
  })

  test('what costs nothing is not held up', async () => {
    const { llm, memory } = world({}, 0)
    expect((await llm.generate(request(), options)).model).toBe('extractive-1')
    expect(memory.asks).toEqual([])
  })

  test('when the budget cannot be read no call is made', async () => {
    const broken = { ...createMemoryBudget(() => TenantBudgets.parse({}), clock) } as Budget
    const { llm, seen } = world({ openai: pays(0.004) }, 1, {
      ...broken,
      reserve: () => Promise.reject(retryable('budget-unavailable', 'away')),
    })
    await expect(llm.generate(request(), options)).rejects.toMatchObject({
      failure: { kind: 'retryable', code: 'budget-unavailable' },
    })
    expect(seen).toEqual([])
  })

  test.each([0, -5, 1.5, 1e12, Number.NaN, Number.POSITIVE_INFINITY])(
    'max_tokens of %s reserve nothing and ask nobody',
    async (max) => {
      const { llm, memory, seen } = world({ openai: pays(0.004) }, 1)
      await expect(llm.generate(request({ maxOutputTokens: max }), options)).rejects.toMatchObject({
        failure: { code: 'request-invalid' },
      })
      expect([memory.asks, seen]).toEqual([[], []])
    },
  )

  test('the bound by bytes is never below a count by tokenizer, in any script', () => {
    const plan = [{ provider: 'openai', model: 'gpt-6.1-terra' } as const]
    for (const text of ['plain words', '漢字かな交じり文', '🤖🤖🤖', '\u0001\u0002', 'a'.repeat(500), 'ñandú'.repeat(50)]) {
      const one = request({ messages: [{ role: 'user', content: text.repeat(200) }], schema: { name: 's', type: z.object({}) } })
      const at = clock.now()
      const counted = worstCaseUsd(one, plan, { prices, at, bound: 'tokenizer' })
      expect(worstCaseUsd(one, plan, { prices, at, bound: 'bytes' }), text).toBeGreaterThanOrEqual(counted / 1.05)
    }
  })

  test('a model without a price is an error, never a guess', () => {
    const plan = [{ provider: 'openai', model: 'gpt-unheard-of' } as const]
    expect(() => worstCaseUsd(request(), plan, { prices, at: clock.now(), bound: 'bytes' })).toThrow(/no price/)
  })
})
