import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryEngine, type TicketSteps } from '#test/fakes/engine.memory.ts'
import { sampleScreened } from '#test/fakes/sample-facts.ts'
import { watchOvertaken } from '#workers/overtaken.ts'

/** Steps that are stopped: by their deadline, by somebody who moved the run, by the queue. */

const clean = { outcome: 'clean' as const, facts: { screened: sampleScreened() } }
const JOB = { runId: 'run_1', seq: 0 }
/** A step that waits until the test lets it go on. */
function held() {
  const entered = Promise.withResolvers<AbortSignal>()
  const leave = Promise.withResolvers<typeof clean>()
  const screen: NonNullable<TicketSteps['screen']> = (_facts, _deps, { signal }) => {
    entered.resolve(signal)
    return leave.promise
  }
  return { screen, entered: entered.promise, leave }
}

describe('a step that takes too long', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }))
  afterEach(() => void vi.useRealTimers())

  const failure = { kind: 'retryable', code: 'step-timeout', message: '"screen" did not end within 5s' }
  test.each([
    ['ignores its signal', () => new Promise<never>(() => {})],
    [
      'obeys it',
      (signal: AbortSignal) => new Promise<never>((_, no) => signal.addEventListener('abort', () => no(new Error('aborted')))),
    ],
    [
      'swallows it',
      (signal: AbortSignal) => new Promise<never>((yes) => signal.addEventListener('abort', () => yes(clean as never))),
    ],
  ])('is stopped at its deadline and tried again, when it %s', async (_name, body) => {
    const signals: AbortSignal[] = []
    const world = memoryEngine({
      screen: (_facts, _deps, { signal }) => {
        signals.push(signal)
        return body(signal)
      },
    })
    await world.begin()
    const working = world.work(JOB)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(signals[0]!.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await working).toEqual({ kind: 'done' })
    expect(signals[0]!.aborted).toBe(true)
    expect(await world.runs.load('run_1')).toMatchObject({ status: 'delayed', step: 'screen', attempt: 2, facts: {} })
    expect(world.runs.logOf('run_1').at(-1)?.failure).toEqual(failure)
    expect(vi.getTimerCount()).toBe(0)
  })
  test('and fails after it was given up does no harm', async () => {
    const fail: ((error: Error) => void)[] = []
    const world = memoryEngine({ screen: () => new Promise<never>((_, no) => fail.push(no)) })
    await world.begin()
    const working = world.work(JOB)
    await vi.advanceTimersByTimeAsync(5_000)
    await working
    fail[0]!(new Error('much too late'))
    // An unhandled rejection would fail this file.
    await vi.advanceTimersByTimeAsync(1)
    expect(world.runs.logOf('run_1').length).toBe(2)
  })
  test('leaves no timer behind when it ends in time', async () => {
    const world = memoryEngine({ screen: async () => clean })
    await world.begin()
    await world.work(JOB)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a step that is called off', () => {
  test('by a cancellation stops within a second, and its late result is dropped', async () => {
    const { screen, entered, leave } = held()
    const { begin, work, mover, runs, log } = memoryEngine({ screen })
    const run = await begin()
    const overtaken = watchOvertaken(runs, log)
    try {
      const working = work(JOB, undefined, overtaken)
      const signal = await entered
      const cancelledAt = performance.now()
      expect(await mover.move(run.id, { kind: 'cancelled' }, 'customer')).toMatchObject({ moved: true })
      expect(await working).toEqual({ kind: 'done' })
      expect(performance.now() - cancelledAt).toBeLessThan(5_000)
      expect(signal.aborted).toBe(true)
      leave.resolve(clean)
      expect(await runs.load(run.id)).toMatchObject({ status: 'cancelled', seq: 1, facts: { ticket: expect.anything() } })
      expect(runs.logOf(run.id).map(({ result }) => result)).toEqual(['accepted', 'cancelled'])
    } finally {
      overtaken.stop()
    }
  })
  test.each(['shutdown', 'the lock was lost'])('by the queue (%s) is handed back, and nothing is written', async (reason) => {
    const { screen, entered } = held()
    const { begin, work, runs, telemetry, queues } = memoryEngine({ screen })
    await begin()
    const queue = new AbortController()
    const working = work(JOB, queue.signal)
    const signal = await entered
    queue.abort(reason)
    expect(await working).toEqual({ kind: 'hand-back' })
    expect(signal.aborted).toBe(true)
    expect(await runs.load('run_1')).toMatchObject({ seq: 0, status: 'queued' })
    expect([runs.logOf('run_1').length, queues.dispatched, telemetry.skipped]).toEqual([
      1,
      [],
      ['support-ticket.screen handed-back'],
    ])
  })
  test('before it began is not begun, and does not end the process by a rejection that nobody hears', async () => {
    const screen = vi.fn(() => Promise.reject(new Error('should not run')))
    const world = memoryEngine({ screen })
    await world.begin()
    expect(await world.work(JOB, AbortSignal.abort('shutdown'))).toEqual({ kind: 'hand-back' })
    expect(screen).not.toHaveBeenCalled()
  })
})
