import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createFailedCalls } from '#shared/adapters/models/failed-calls.ts'
import { createFallbackLlm } from '#shared/adapters/models/llm.fallback.ts'
import { ProviderFailure } from '#shared/adapters/models/provider-failure.ts'
import { needsPerson, Parked, retryable, terminal } from '#shared/domain/failure.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { LlmDelta } from '#shared/ports/llm.ts'
import { draftRequest, failureFrom } from '#test/contracts/llm.contract.ts'
import { createMemoryJournal } from '#test/fakes/journal.memory.ts'
import { createScriptedLlm, type ScriptedTurn } from '#test/fakes/llm.scripted.ts'

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

  it('throws the most hopeful failure when every link failed', async () => {
    const limited = retryable('provider-rate-limited', 'slow down', 5_000)
    const { llm } = chain([terminal('provider-auth', 'wrong key')], [limited], [down()])
    expect(await failureFrom(llm.generate(draftRequest(), { signal }))).toBe(limited.failure)
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

describe('the cool-down of a link', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-21T10:00:00Z') }))
  afterEach(() => void vi.useRealTimers())
  const ask = (llm: ReturnType<typeof chain>['llm']) => llm.generate(draftRequest(), { signal })

  it('leaves a link alone for a minute after five failures, then tries it once and takes it back', async () => {
    const { llm, models } = chain([...Array.from({ length: 5 }, down), DRAFT], [DRAFT])
    for (let i = 0; i < 8; i++) expect((await ask(llm)).model).toBe('model-2')
    expect(models[0]!.requests).toHaveLength(5)
    vi.setSystemTime(Date.now() + 59_000)
    expect((await ask(llm)).model).toBe('model-2')
    vi.setSystemTime(Date.now() + 2_000)
    expect((await ask(llm)).model).toBe('model-1')
    expect((await ask(llm)).model).toBe('model-1')
  })

  it('tells how long the cool-down lasts when no other link is there', async () => {
    const { llm } = chain([down()])
    for (let i = 0; i < 5; i++) await failureFrom(ask(llm))
    vi.setSystemTime(Date.now() + 20_000)
    expect(await failureFrom(ask(llm))).toMatchObject({ kind: 'retryable', code: 'provider-unavailable', retryAfterMs: 40_000 })
  })

  it('does not hold a refused request or a cut-off reply against the provider', async () => {
    const { llm, models } = chain([terminal('provider-rejected', 'too long')], [DRAFT])
    for (let i = 0; i < 8; i++) await ask(llm)
    expect(models[0]!.requests).toHaveLength(8)
  })

  it('bears five failures among many successes', async () => {
    const turns = Array.from({ length: 40 }, (_, i) => (i % 8 === 7 ? down() : DRAFT))
    const { llm, models } = chain(turns, [DRAFT])
    for (let i = 0; i < 40; i++) await ask(llm)
    expect(models[0]!.requests).toHaveLength(40)
  })
})
