import { expect, test } from 'vitest'
import { createGuardedLlm } from '#shared/adapters/models/llm.guarded.ts'
import { createProviderGuard } from '#shared/adapters/models/provider-guard.ts'
import { createLocalProviderStates } from '#shared/adapters/state/provider-states.local.ts'
import { needsPerson, retryable, terminal } from '#shared/domain/failure.ts'
import { draftRequest, failureFrom } from '#test/contracts/llm.contract.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'
import { createScriptedLlm, type ScriptedTurn } from '#test/fakes/llm.scripted.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'

const DRAFT = '{"answerable":false,"sentences":[],"followUps":[]}'
const down = () => retryable('provider-unavailable', 'no connection')

/** Several processes that know one provider and share what they know. */
function processes(count: number, turns: readonly ScriptedTurn[], callsPerMinute?: number) {
  const clock = steadyClock()
  const states = createLocalProviderStates(clock)
  const log = recordingLog()
  const inner = createScriptedLlm(turns)
  const options = { states, clock, log, ...(callsPerMinute !== undefined && { callsPerMinute }) }
  const llms = Array.from({ length: count }, () => createGuardedLlm(inner, 'openai', createProviderGuard('openai', options)))
  const ask = (i = 0, signal = new AbortController().signal) => llms[i]!.generate(draftRequest(), { signal })
  return { clock, inner, llms, ask, log }
}

test('after five failures the provider is left alone for a minute by every process, then three calls try it', async () => {
  const { ask, inner, clock } = processes(3, [...Array.from({ length: 5 }, down), DRAFT])
  for (let i = 0; i < 5; i++) await failureFrom(ask(i % 2))
  clock.advance(20_000)
  for (const i of [0, 1, 2]) {
    const failure = await failureFrom(ask(i))
    expect(failure).toMatchObject({ kind: 'retryable', code: 'provider-unavailable', retryAfterMs: 40_000 })
  }
  expect(inner.requests).toHaveLength(5)
  clock.advance(41_000)
  for (const i of [2, 1, 0]) await ask(i)
  clock.advance(1_500)
  for (let i = 0; i < 6; i++) await ask(i % 3)
  expect(inner.requests).toHaveLength(14)
})

test('while three calls try the provider, others are turned away', async () => {
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const slow: ScriptedTurn = async () => {
    await held
    return DRAFT
  }
  const { ask, inner, clock } = processes(2, [...Array.from({ length: 5 }, down), slow])
  for (let i = 0; i < 5; i++) await failureFrom(ask())
  clock.advance(61_000)
  const trials = [ask(0), ask(1), ask(0)]
  await expect.poll(() => inner.requests.length, { timeout: 10_000 }).toBe(8)
  expect(await failureFrom(ask(1))).toMatchObject({ code: 'provider-unavailable' })
  release()
  await Promise.all(trials)
  const outcome = () => {
    clock.advance(1_500)
    return ask(1).then(
      () => 'answered',
      () => 'turned away',
    )
  }
  await expect.poll(outcome, { timeout: 10_000 }).toBe('answered')
})

test('a rate limit in one process holds back the others for as long as the provider asked', async () => {
  const { ask, inner, clock } = processes(2, [retryable('provider-rate-limited', 'slow down', 7_000), DRAFT])
  await failureFrom(ask(0))
  clock.advance(2_000)
  expect(await failureFrom(ask(1))).toMatchObject({ kind: 'retryable', code: 'provider-rate-limited', retryAfterMs: 5_000 })
  clock.advance(5_001)
  await ask(1)
  expect(inner.requests).toHaveLength(2)
})

test('no more calls a minute go out than the provider may be asked', async () => {
  const { ask, inner } = processes(1, [DRAFT], 10)
  for (let i = 0; i < 10; i++) await ask()
  expect(await failureFrom(ask())).toMatchObject({ kind: 'retryable', code: 'provider-rate-limited' })
  expect(inner.requests).toHaveLength(10)
})

test.each([
  ['a refusal', needsPerson('provider-refused', 'declined')],
  ['a rejected request', terminal('provider-rejected', 'too long')],
  ['a reply that did not fit', retryable('provider-cut-off', 'stopped')],
  ['our own mistake', new TypeError('undefined is not a function')],
])('%s is not held against the provider', async (_what, thrown) => {
  const { ask, inner } = processes(1, [thrown])
  for (let i = 0; i < 8; i++) await expect(ask()).rejects.toBe(thrown)
  expect(inner.requests).toHaveLength(8)
})

test('a caller who gives up says nothing about the provider', async () => {
  const controller = new AbortController()
  const cancelled: ScriptedTurn = async () => {
    controller.abort(new Error('cancelled'))
    throw down()
  }
  const { ask, inner } = processes(1, [cancelled])
  for (let i = 0; i < 8; i++) {
    await ask(0, controller.signal).catch(() => {})
  }
  expect(inner.requests).toHaveLength(1)
  expect(await ask(0, new AbortController().signal).catch((error: Error) => error.message)).toContain('no connection')
})

test('readiness and the log say what the breaker does', async () => {
  const { ask, llms, log, clock } = processes(1, [...Array.from({ length: 5 }, down), DRAFT])
  expect(await llms[0]!.ready()).toMatchObject({ ok: true })
  for (let i = 0; i < 5; i++) await failureFrom(ask())
  expect(await llms[0]!.ready()).toEqual({ ok: false, detail: 'breaker open, tried again in 60 s' })
  clock.advance(61_000)
  for (let i = 0; i < 3; i++) await ask()
  expect(await llms[0]!.ready()).toMatchObject({ ok: true })
  const said = log.lines.map((line) => JSON.stringify(line))
  expect(said.filter((line) => line.includes('fails too often'))).toHaveLength(1)
  expect(said.filter((line) => line.includes('is back'))).toHaveLength(1)
})
