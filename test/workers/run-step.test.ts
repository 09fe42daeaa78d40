import { beforeEach, describe, expect, test, vi } from 'vitest'
import { needsPerson, Parked, retryable, terminal } from '#shared/domain/failure.ts'
import type { Run, RunState } from '#shared/domain/run.ts'
import { memoryEngine, type TicketSteps } from '#test/fakes/engine.memory.ts'
import { sampleScreened } from '#test/fakes/sample-facts.ts'

const clean = { outcome: 'clean' as const, facts: { screened: sampleScreened() } }
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
const JOB = { runId: 'run_1', seq: 0 }

describe('a job that is not the current one does nothing', () => {
  const calls: string[] = []
  const world = () =>
    memoryEngine({
      screen: async () => {
        calls.push('screen')
        return clean
      },
    })
  beforeEach(() => void calls.splice(0))

  test('when its run has moved on', async () => {
    const { begin, work, telemetry, runs } = world()
    await begin('run_1', { seq: 4 })
    expect(await work({ runId: 'run_1', seq: 3 })).toEqual({ kind: 'done' })
    expect([calls, runs.logOf('run_1').length, telemetry.skipped]).toEqual([[], 1, ['support-ticket.screen overtaken']])
  })
  test('when nobody knows its run', async () => {
    const { work, telemetry } = world()
    expect(await work({ runId: 'run_of_nobody', seq: 0 })).toEqual({ kind: 'done' })
    expect([calls, telemetry.skipped]).toEqual([[], ['unknown unknown']])
  })
  test.each(['answered', 'closed', 'dead', 'cancelled', 'waiting', 'parked'] as const)('when its run is %s', async (status) => {
    const { begin, work, runs } = world()
    await begin('run_1', { status })
    expect(await work(JOB)).toEqual({ kind: 'done' })
    expect([calls, runs.logOf('run_1').length]).toEqual([[], 1])
  })
  test('when another worker was faster while it ran: its result is dropped', async () => {
    const { screen, entered, leave } = held()
    const { begin, work, mover, runs, queues } = memoryEngine({ screen })
    const run = await begin()
    const working = work(JOB)
    await entered
    await mover.move(run.id, { kind: 'lost' }, 'somebody')
    leave.resolve(clean)
    expect(await working).toEqual({ kind: 'done' })
    expect(await runs.load(run.id)).toMatchObject({ seq: 1, step: 'screen' })
    expect(queues.dispatched.map(({ seq }) => seq)).toEqual([1])
  })
})

describe('what a step is given', () => {
  test('is the facts that it declared, parsed, and who it works for', async () => {
    const seen: unknown[] = []
    const world = memoryEngine({
      screen: async (facts, _deps, context) => {
        seen.push(Object.keys(facts), context.call, context.visit, context.attempt, context.tenant.id, context.seq)
        return clean
      },
    })
    await world.begin('run_1', {}, { receipt: { not: 'for screen' } })
    await world.work(JOB)
    const call = { tenantId: 'acme', runId: 'run_1', step: 'screen', visit: 1, customerId: 'c-1' }
    expect(seen).toEqual([['ticket'], expect.objectContaining(call), 1, 1, 'acme', 0])
  })
  test('leaves out optional facts that are not there, and those that a redrive has cleared', async () => {
    const seen: string[][] = []
    const world = memoryEngine({
      escalate: async (facts) => {
        seen.push(Object.keys(facts))
        throw terminal('x', 'x')
      },
    })
    await world.begin('run_1', { step: 'escalate', status: 'running' }, { trouble: null, screened: sampleScreened() })
    await world.work(JOB)
    expect(seen).toEqual([['ticket', 'screened']])
  })
  test.each([
    ['missing', {}],
    ['damaged', { screened: { subject: 1 } }],
  ])('a %s fact is a defect that goes to a person', async (_name, given) => {
    const recall = vi.fn()
    const world = memoryEngine({ recall })
    await world.begin('run_1', { step: 'recall', status: 'running' }, given)
    await world.work(JOB)
    expect(recall).not.toHaveBeenCalled()
    const run = await world.runs.load('run_1')
    expect(run).toMatchObject({ step: 'escalate', status: 'running', rescues: 1 })
    expect(run?.facts.trouble).toMatchObject({ step: 'recall', failure: { kind: 'defect', code: 'bad-fact' } })
    expect(world.telemetry.defects).toEqual(['support-ticket.recall'])
    expect((await world.runs.deadLetters('acme', { limit: 9 })).map(({ code }) => code)).toEqual(['bad-fact'])
  })
  test.each([
    ['a step that this version does not have', { step: 'ponder' }, 'unknown-step'],
    ['a tenant that is gone', {}, 'unknown-tenant'],
  ])('%s is a defect that goes to a person', async (_name, state, code) => {
    const world = memoryEngine({ screen: async () => clean })
    await world.begin('run_1', state)
    if (code === 'unknown-tenant') Object.assign(world.engine.tenants, { get: async () => undefined })
    await world.work(JOB)
    expect((await world.runs.load('run_1'))?.facts.trouble).toMatchObject({ failure: { kind: 'defect', code } })
  })
})

describe('what comes of a step', () => {
  const comesOf = async (screen: TicketSteps['screen']): Promise<{ run: Run; world: ReturnType<typeof memoryEngine> }> => {
    const world = memoryEngine({ screen: screen! })
    await world.begin()
    await world.work(JOB)
    return { run: (await world.runs.load('run_1'))!, world }
  }

  test('is written as its facts, and the next job is on its way', async () => {
    const { run, world } = await comesOf(async () => clean)
    expect(run).toMatchObject({ step: 'recall', status: 'running', seq: 1, facts: { screened: sampleScreened() } })
    expect(world.queues.dispatched).toMatchObject([{ runId: 'run_1', seq: 1, step: 'recall', delayMs: 0 }])
    expect(world.runs.logOf('run_1').at(-1)).toMatchObject({ result: 'clean', worker: 'worker-1', attempt: 1, visit: 1 })
  })
  test.each([
    ['a promised fact is missing', { outcome: 'clean', facts: {} }],
    ['there is one that nobody asked for', { outcome: 'clean', facts: { ...clean.facts, answer: { text: 'unproven' } } }],
    ['a machine waits', { ...clean, until: new Date('2030-01-01') }],
    ['there is no result', undefined],
  ])('is a defect when %s', async (_name, result) => {
    const { run } = await comesOf(async () => result as never)
    expect(run).toMatchObject({ step: 'escalate', rescues: 1, facts: { trouble: { failure: { kind: 'defect' } } } })
    expect(run.facts).not.toHaveProperty('answer')
  })
  test("is a defect when a person's step decides by itself", async () => {
    const world = memoryEngine({ escalate: async () => ({ outcome: 'dismissed', facts: {} }) as never })
    await world.begin('run_1', { step: 'escalate', status: 'running' })
    await world.work(JOB)
    expect(await world.runs.load('run_1')).toMatchObject({ status: 'dead' })
    expect(world.runs.logOf('run_1').at(-1)?.failure).toMatchObject({ kind: 'defect', code: 'bad-result' })
  })
  test.each([
    [retryable('busy', 'x', 3_000), { status: 'delayed', step: 'screen', attempt: 2 }],
    [terminal('no-way', 'x'), { status: 'running', step: 'escalate', rescues: 1 }],
    [needsPerson('odd', 'x'), { status: 'running', step: 'escalate', rescues: 1 }],
  ] as const)('is what the failure says: %s', async (failure, expected) => {
    const { run, world } = await comesOf(() => Promise.reject(failure))
    expect(run).toMatchObject(expected)
    expect(world.runs.logOf('run_1').at(-1)).toMatchObject({ result: 'failed', failure: failure.failure })
    const expectedLetters = failure.failure.kind === 'terminal' ? 1 : 0
    expect(world.queues.letters.length).toBe(expectedLetters)
  })
  test('waits as long as the other side asked', async () => {
    const { world } = await comesOf(() => Promise.reject(retryable('busy', 'x', 7_000)))
    expect(world.queues.dispatched[0]!.delayMs).toBeGreaterThanOrEqual(7_000)
  })
  test('is a park until its moment', async () => {
    const until = new Date('2026-11-21T13:00:00Z')
    const { run, world } = await comesOf(() => Promise.reject(new Parked(until, 'waits for a batch')))
    expect(run).toMatchObject({ status: 'parked', step: 'screen', dueAt: until })
    expect(world.queues.dispatched).toEqual([])
  })

  const unspeakable = Object.create(null)
  const treacherous = Object.assign(new Error('x'), { toString: () => unspeakable })
  Object.defineProperty(treacherous, 'message', {
    get() {
      throw new Error('even its message throws')
    },
  })
  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 42],
    ['an empty string', ''],
    ['a symbol', Symbol('x')],
    ['a bare object', unspeakable],
    ['an error whose message throws', treacherous],
    ['a very long message', new Error('x'.repeat(50_000))],
    ['half an emoji at the limit', new Error(`${'x'.repeat(1_991)}${'😀'.repeat(20)}`)],
    ['a promise', Promise.resolve()],
    ['a type error', new TypeError('undefined is not a function')],
  ])('is a defect when %s is thrown, at once or later', async (_name, thrown) => {
    const atOnce = await comesOf(() => {
      throw thrown
    })
    const later = await comesOf(() => Promise.reject(thrown))
    for (const { run, world } of [atOnce, later]) {
      expect(run).toMatchObject({ step: 'escalate', facts: { trouble: { failure: { kind: 'defect', code: 'defect' } } } })
      const { message } = world.runs.logOf('run_1').at(-1)!.failure!
      expect(message.length).toBeLessThanOrEqual(2_000)
      expect(message.isWellFormed()).toBe(true)
    }
  })
})

describe('while a store is away', () => {
  test('a job that cannot load its run comes back later', async () => {
    const screen = vi.fn(async () => clean)
    const world = memoryEngine({ screen })
    await world.begin()
    world.runs.away = true
    expect(await world.work(JOB)).toEqual({ kind: 'later', delayMs: 1_000 })
    expect(screen).not.toHaveBeenCalled()
    world.runs.away = false
    expect(await world.work(JOB)).toEqual({ kind: 'done' })
    expect(await world.runs.load('run_1')).toMatchObject({ step: 'recall' })
  })
  test('a result that cannot be written is worked out again', async () => {
    let times = 0
    const world = memoryEngine({
      screen: async () => {
        world.runs.away = ++times === 1
        return clean
      },
    })
    await world.begin()
    expect(await world.work(JOB)).toMatchObject({ kind: 'later' })
    world.runs.away = false
    expect(await world.work(JOB)).toEqual({ kind: 'done' })
    expect([times, (await world.runs.load('run_1'))?.seq]).toEqual([2, 1])
  })
  test('a tenant that cannot be looked up is no reason to fail the run', async () => {
    const world = memoryEngine({ screen: async () => clean })
    await world.begin()
    Object.assign(world.engine.tenants, { get: () => Promise.reject(new Error('away')) })
    expect(await world.work(JOB)).toMatchObject({ kind: 'later' })
    expect(world.runs.logOf('run_1').length).toBe(1)
  })
})

test('a retry that is due runs the same visit again, with the next attempt', async () => {
  const seen: [number, number][] = []
  const world = memoryEngine({
    screen: async (_facts, _deps, { attempt, visit }) => {
      seen.push([attempt, visit])
      if (attempt < 3) throw retryable('busy', 'x')
      return clean
    },
    recall: () => Promise.reject(new Parked(new Date('2030-01-01'), 'far enough')),
  })
  const run = await world.process()
  expect(seen).toEqual([
    [1, 1],
    [2, 1],
    [3, 1],
  ])
  const expected: Partial<RunState> = { status: 'parked', step: 'recall', attempt: 1, seq: 4 }
  expect(run).toMatchObject(expected)
})
