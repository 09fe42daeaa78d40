import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFailedCalls } from '#shared/adapters/models/failed-calls.ts'
import { createAnthropicLlm } from '#shared/adapters/models/llm.anthropic.ts'
import { createFallbackLlm } from '#shared/adapters/models/llm.fallback.ts'
import { createOpenAiLlm } from '#shared/adapters/models/llm.openai.ts'
import { ProviderFailure } from '#shared/adapters/models/provider-failure.ts'
import { needsPerson, Parked, retryable, terminal } from '#shared/domain/failure.ts'
import { MODELS } from '#shared/domain/model-table.ts'
import { createPrices } from '#shared/domain/price.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { Llm, LlmDelta, LlmOptions } from '#shared/ports/llm.ts'
import { draftRequest, failureFrom } from '#test/contracts/llm.contract.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'
import { createMemoryJournal } from '#test/fakes/journal.memory.ts'
import { createScriptedLlm, type ScriptedTurn } from '#test/fakes/llm.scripted.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'

const DRAFT = '{"answerable":false,"sentences":[],"followUps":[]}'
const clock = { now: () => new Date(), random: () => 0 }
const log = { info: () => {}, warn: () => {} }
const signal = new AbortController().signal
const down = () => retryable('provider-unavailable', 'no connection')

function chain(...scripts: ScriptedTurn[][]) {
  const models = scripts.map((turns, i) => createScriptedLlm(turns, `model-${i + 1}`))
  const links = models.map((llm, i) => ({ name: `link-${i + 1}`, llm }))
  return { models, llm: createFallbackLlm(links, { log, clock }) }
}

describe('the fallback chain', () => {
  it('asks the first link only, as long as it replies', async () => {
    const { llm, models } = chain([DRAFT], [DRAFT])
    expect((await llm.generate(draftRequest(), { signal })).model).toBe('model-1')
    expect(models[1]!.requests).toHaveLength(0)
  })

  it.each([
    ['retryable', down()],
    ['terminal', terminal('provider-auth', 'wrong key')],
  ])('moves on after a %s failure', async (_kind, failure) => {
    const { llm } = chain([failure], [DRAFT])
    expect((await llm.generate(draftRequest(), { signal })).model).toBe('model-2')
  })

  it.each([
    ['a refusal, which a person decides on', needsPerson('provider-refused', 'declined')],
    ['a parked call, whose reply will come', new Parked(new Date(), 'in a batch')],
    ['our own mistake', new TypeError('undefined is not a function')],
  ])('does not shop around after %s', async (_what, thrown) => {
    const { llm, models } = chain([thrown], [DRAFT])
    await expect(llm.generate(draftRequest(), { signal })).rejects.toBe(thrown)
    expect(models[1]!.requests).toHaveLength(0)
  })

  it('does not move on when the caller has aborted', async () => {
    const controller = new AbortController()
    const { llm, models } = chain(
      [
        async () => {
          controller.abort(new Error('cancelled'))
          throw down()
        },
      ],
      [DRAFT],
    )
    await failureFrom(llm.generate(draftRequest(), { signal: controller.signal }))
    expect(models[1]!.requests).toHaveLength(0)
  })

  it('voids what a failed link had already said before the next one speaks', async () => {
    const begins: ScriptedTurn = async (_request, { onDelta }) => {
      onDelta?.({ kind: 'text', text: 'half of it' })
      throw retryable('provider-truncated', 'ended early')
    }
    const { llm } = chain([begins], [down()], [DRAFT])
    const deltas: LlmDelta[] = []
    await llm.generate(draftRequest(), { signal, onDelta: (delta) => deltas.push(delta) })
    expect(deltas.map((delta) => (delta.kind === 'text' ? delta.text : '(restart)'))).toEqual(['half of it', '(restart)', DRAFT])
  })

  it('says nothing of a restart when nothing had been said', async () => {
    const { llm } = chain([down()], [DRAFT])
    const deltas: LlmDelta[] = []
    await llm.generate(draftRequest(), { signal, onDelta: (delta) => deltas.push(delta) })
    expect(deltas).toEqual([{ kind: 'text', text: DRAFT }])
  })

  it('throws the most hopeful failure when every link failed: one that can be asked again, and of those the soonest', async () => {
    const coolingDown = retryable('provider-unavailable', 'cooling down', 58_000)
    const stumbled = down()
    const { llm } = chain([terminal('provider-auth', 'wrong key')], [coolingDown], [stumbled])
    expect(await failureFrom(llm.generate(draftRequest(), { signal }))).toBe(stumbled.failure)
    const { llm: both } = chain([coolingDown], [retryable('provider-rate-limited', 'slow down', 70_000)])
    expect(await failureFrom(both.generate(draftRequest(), { signal }))).toBe(coolingDown.failure)
  })

  it('records what the failed links cost', async () => {
    const journal = createMemoryJournal()
    const bill = { provider: 'openai', model: 'gpt-6-luna', usage: NO_USAGE, costUsd: 0.25 }
    const costly = new ProviderFailure(retryable('provider-bad-reply', 'not JSON').failure, bill)
    const links = [
      { name: 'one', llm: createScriptedLlm([costly]) },
      { name: 'two', llm: createScriptedLlm([DRAFT]) },
    ]
    const llm = createFallbackLlm(links, { log, clock, failedCalls: createFailedCalls(journal, clock) })
    await llm.generate(draftRequest(), { signal })
    expect(journal.entries).toMatchObject([
      { costUsd: 0.25, result: { kind: 'failed', failure: { code: 'provider-bad-reply' } } },
    ])
  })

  it('is ready when one link is', async () => {
    const dead = { ...createScriptedLlm([DRAFT]), ready: async () => ({ ok: false, detail: 'down' }) }
    const llm = createFallbackLlm(
      [
        { name: 'a', llm: dead },
        { name: 'b', llm: createScriptedLlm([DRAFT]) },
      ],
      { log, clock },
    )
    expect(await llm.ready()).toEqual({ ok: true, detail: 'a: down; b: follows its script' })
    expect((await createFallbackLlm([{ name: 'a', llm: dead }], { log, clock }).ready()).ok).toBe(false)
  })
})

describe('a route', () => {
  const limits = { firstMs: 6_000, idleMs: 5_000, deadlineMs: 30_000 }
  const named = (...names: string[]) => {
    const asked: { name: string; model: string | undefined; limits: LlmOptions['limits'] }[] = []
    const links = names.map((name) => {
      const inner = createScriptedLlm([down()])
      const llm: Llm = {
        generate(request, options) {
          asked.push({ name, model: request.model, limits: options.limits })
          return inner.generate(request, options)
        },
        ready: inner.ready,
      }
      return { name, llm }
    })
    return { asked, llm: createFallbackLlm(links, { log, clock: steadyClock() }) }
  }

  it('is followed in its order, with its models, and leaves the last model all the time there is', async () => {
    const { llm, asked } = named('openai', 'anthropic', 'extractive')
    const calls = [
      { provider: 'anthropic', model: 'claude-haiku-5-5' },
      { provider: 'openai', model: 'gpt-6-luna' },
      { provider: 'extractive', model: 'extractive-1' },
    ] as const
    await failureFrom(llm.generate(draftRequest({ route: { calls, limits } }), { signal }))
    expect(asked).toEqual([
      { name: 'anthropic', model: 'claude-haiku-5-5', limits: { firstMs: 6_000, idleMs: 5_000, deadlineMs: 18_000 } },
      { name: 'openai', model: 'gpt-6-luna', limits: { firstMs: 27_000, idleMs: 5_000, deadlineMs: 27_000 } },
      { name: 'extractive', model: 'extractive-1', limits: { firstMs: 27_000, idleMs: 5_000, deadlineMs: 27_000 } },
    ])
  })

  it('says whom it passed over and why', async () => {
    const { llm } = chain([down()], [terminal('provider-auth', 'wrong key')], [DRAFT])
    const reply = await llm.generate(draftRequest(), { signal })
    expect(reply.passedOver).toEqual([
      { provider: 'link-1', code: 'provider-unavailable' },
      { provider: 'link-2', code: 'provider-auth' },
    ])
  })
})

describe('on the simulator', () => {
  let simulator: Simulator
  beforeAll(async () => {
    simulator = await startSimulator({ seed: 7 })
  })
  afterAll(() => simulator.close())

  it.each(['half', 'drop', 'stall'] as const)('a stream that ends in the middle (%s) is voided and replaced', async (fault) => {
    const shared = { apiKey: 'simulated', prices: createPrices(), clock, limits: { idleMs: 1_000, firstMs: 2_000 } }
    const openAi = { ...shared, baseUrl: `${simulator.url}/v1`, provider: 'openai', models: MODELS.openai.tiers } as const
    const llm = createFallbackLlm(
      [
        { name: 'openai', llm: createOpenAiLlm(openAi) },
        { name: 'anthropic', llm: createAnthropicLlm({ ...shared, baseUrl: simulator.url, models: MODELS.anthropic.tiers }) },
      ],
      { log, clock },
    )
    simulator.setFaults([{ fault, match: '/v1/chat/completions' }])
    const deltas: LlmDelta[] = []
    const reply = await llm.generate(draftRequest(), { signal, onDelta: (delta) => deltas.push(delta) })
    expect(reply.provider).toBe('anthropic')
    const restart = deltas.findIndex(({ kind }) => kind === 'restart')
    expect(restart).toBeGreaterThan(0)
    const shown = deltas.slice(restart + 1).map((delta) => (delta.kind === 'text' ? delta.text : '(restart)'))
    expect(shown.join('')).toBe(reply.text)
  })
})
