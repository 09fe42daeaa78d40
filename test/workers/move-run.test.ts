import { describe, expect, test } from 'vitest'
import type { StreamedEvent } from '#shared/domain/event.ts'
import { retryable, terminal } from '#shared/domain/failure.ts'
import type { RunEvent } from '#shared/domain/run.ts'
import { memoryEngine } from '#test/fakes/engine.memory.ts'
import { sampleScreened } from '#test/fakes/sample-facts.ts'
import { moveRun } from '#workers/move-run.ts'

const CLEAN: RunEvent = { kind: 'completed', outcome: 'clean', facts: { screened: sampleScreened() } }
const failed = (failure: Error & { failure: unknown }): RunEvent => ({ kind: 'failed', failure: failure.failure }) as RunEvent

/** What followers of the run's ticket have been told so far. */
async function told(world: ReturnType<typeof memoryEngine>, ticketId: string): Promise<StreamedEvent[]> {
  const events: StreamedEvent[] = []
  const enough = new AbortController()
  const following = (async () => {
    for await (const event of world.stream.follow('acme', ticketId, undefined, enough.signal)) events.push(event)
  })()
  await new Promise((resolve) => setImmediate(resolve))
  enough.abort()
  await following
  return events
}

test('writes first, then sends the next job and tells followers, under the new seq', async () => {
  const world = memoryEngine()
  const run = await world.begin()
  const startedAt = world.clock.now()
  world.clock.advance(250)
  const moved = await moveRun(world.engine, run, CLEAN, startedAt, 'worker-9')
  expect(moved).toMatchObject({ moved: true, state: { step: 'recall', seq: 1 } })
  expect(world.runs.logOf(run.id).at(-1)).toMatchObject({
    seq: 1,
    step: 'screen',
    result: 'clean',
    worker: 'worker-9',
    startedAt,
  })
  expect(world.queues.dispatched).toEqual([
    { runId: run.id, seq: 1, pipeline: 'support-ticket', step: 'recall', lane: 'standard', delayMs: 0, backlog: 0 },
  ])
  expect(await told(world, run.subjectId)).toMatchObject([{ id: '1-0', event: 'step', data: { step: 'screen', next: 'recall' } }])
  expect(world.telemetry.stepsEnded).toEqual([{ pipeline: 'support-ticket', step: 'screen', result: 'clean', seconds: 0.25 }])
})

test('sends nothing and tells nobody when somebody else was faster', async () => {
  const world = memoryEngine()
  const run = await world.begin()
  const both = await Promise.all([1, 2].map((n) => moveRun(world.engine, run, CLEAN, world.clock.now(), `worker-${n}`)))
  expect(both.map(({ moved }) => moved)).toEqual([true, false])
  expect([world.queues.dispatched.length, world.runs.logOf(run.id).length, world.telemetry.stepsEnded.length]).toEqual([1, 2, 1])
  expect((await told(world, run.subjectId)).length).toBe(1)
})

test('a retry goes to the same queue with its delay', async () => {
  const world = memoryEngine()
  const run = await world.begin()
  await moveRun(world.engine, run, failed(retryable('busy', 'x', 4_000)), world.clock.now(), 'w')
  expect(world.queues.dispatched).toMatchObject([{ step: 'screen', seq: 1, delayMs: 4_000 }])
})

test('a dead letter is written with the hop and mirrored under the same id, which a repeat would have, too', async () => {
  const world = memoryEngine()
  const run = await world.begin()
  await moveRun(world.engine, run, failed(terminal('no-way', 'because of ada@example.org')), world.clock.now(), 'w')
  const [letter] = await world.runs.deadLetters('acme', { limit: 5 })
  expect(letter).toMatchObject({ runId: run.id, step: 'screen', code: 'no-way', redrivenAt: null })
  expect(world.queues.letters).toEqual([{ id: letter!.id, runId: run.id, step: 'screen', code: 'no-way', tenantId: 'acme' }])
  const twin = memoryEngine()
  await moveRun(twin.engine, await twin.begin(), failed(terminal('no-way', 'x')), twin.clock.now(), 'w')
  expect(twin.queues.letters[0]!.id).toBe(letter!.id)
})

describe('a redrive', () => {
  /** Put off at seq 0, failed for good at 1 and rescued; then the person's step failed for good, too. */
  async function died() {
    const world = memoryEngine()
    const forgotten: string[] = []
    const forgetDeadLetters = async (ids: readonly string[]) => {
      if (world.queues.away) throw new Error('connect ECONNREFUSED')
      forgotten.push(...ids)
    }
    Object.assign(world.engine.dispatcher, { forgetDeadLetters })
    const fail = (failure: ReturnType<typeof terminal>) => world.mover.move('run_1', failed(failure), 'w')
    await world.begin()
    await fail(retryable('busy', 'x', 1_000))
    await fail(terminal('no-way', 'x'))
    await fail(terminal('no-hand-over', 'x'))
    const letters = await world.runs.deadLetters('acme', { limit: 5 })
    return { ...world, forgotten, letterOf: (step: string) => letters.find((letter) => letter.step === step)!.id }
  }

  test('takes the copy of its dead letter away from the queues, and no other', async () => {
    const { mover, forgotten, letterOf } = await died()
    expect(await mover.move('run_1', { kind: 'redriven', step: 'screen' }, 'key_1')).toMatchObject({ moved: true })
    expect(forgotten).toEqual([letterOf('screen')])
    expect(letterOf('escalate')).not.toBe(letterOf('screen'))
  })

  test('is done, and says what stays, when the queues cannot be reached', async () => {
    const { mover, forgotten, queues, runs, log } = await died()
    queues.away = true
    expect(await mover.move('run_1', { kind: 'redriven', step: 'screen' }, 'key_1')).toMatchObject({ moved: true })
    expect(await runs.load('run_1')).toMatchObject({ step: 'screen', status: 'running' })
    expect(forgotten).toEqual([])
    expect(log.lines.map(({ message }) => message)).toContain('copies of redriven dead letters stay among the queues')
  })

  test('that is refused leaves the copies where they are', async () => {
    const { mover, forgotten } = await died()
    await mover.move('run_1', { kind: 'redriven', step: 'nonsense' }, 'key_1')
    expect(forgotten).toEqual([])
  })
})

test('logs a failure without what the customer wrote, except in the text of a defect, which is ours', async () => {
  const world = memoryEngine()
  const run = await world.begin()
  await moveRun(world.engine, run, failed(terminal('no-way', 'because of ada@example.org')), world.clock.now(), 'w')
  expect(world.log.lines).toMatchObject([{ level: 'warn', fields: { code: 'no-way', step: 'screen', status: 'running' } }])
  expect(JSON.stringify(world.log.lines)).not.toContain('ada@')
})

test.each(['queue', 'stream'] as const)('a %s that is away does not undo the move', async (what) => {
  const world = memoryEngine()
  const run = await world.begin()
  if (what === 'queue') world.queues.away = true
  else Object.assign(world.stream, { append: () => Promise.reject(new Error('away')) })
  expect(await moveRun(world.engine, run, failed(terminal('no-way', 'x')), world.clock.now(), 'w')).toMatchObject({ moved: true })
  expect(await world.runs.load(run.id)).toMatchObject({ step: 'escalate', seq: 1 })
  expect(world.log.lines.some(({ message }) => message.includes('did not take it'))).toBe(true)
  if (what === 'stream') expect(world.queues.dispatched.length).toBe(1)
  else expect((await told(world, run.subjectId)).length).toBe(1)
})

test('a log that is away makes the move fail, and then nothing was sent', async () => {
  const world = memoryEngine()
  const run = await world.begin()
  world.runs.away = true
  await expect(moveRun(world.engine, run, CLEAN, world.clock.now(), 'w')).rejects.toThrow()
  expect(world.queues.dispatched).toEqual([])
  expect(await told(world, run.subjectId)).toEqual([])
})

test('the end of a run is counted once, with its time from the beginning', async () => {
  const world = memoryEngine()
  await world.begin()
  world.clock.advance(3_000)
  await world.mover.move('run_1', { kind: 'cancelled' }, 'customer')
  await world.mover.move('run_1', { kind: 'cancelled' }, 'customer')
  expect(world.telemetry.runsEnded).toEqual([{ pipeline: 'support-ticket', status: 'cancelled', lane: 'standard', seconds: 3 }])
  expect(await told(world, 'tkt_of_run_1')).toMatchObject([{ event: 'step' }, { event: 'done', data: { status: 'cancelled' } }])
})

test("a person's wait and a lost job do not count as a step's work", async () => {
  const world = memoryEngine()
  const run = await world.begin('run_1', { step: 'escalate', status: 'waiting' })
  await world.mover.move(run.id, { kind: 'completed', outcome: 'dismissed', facts: {} }, 'agent')
  await world.begin('run_2')
  await world.mover.move('run_2', { kind: 'lost' }, 'sweeper')
  expect(world.telemetry.stepsEnded).toEqual([])
  expect(world.telemetry.skipped).toEqual(['support-ticket.screen redispatched'])
})

test('only tickets have followers: other runs put nothing on a stream', async () => {
  const world = memoryEngine()
  await world.begin()
  const run = { ...(await world.runs.load('run_1'))!, pipeline: 'index-document', step: 'parse' }
  await moveRun(world.engine, run, { kind: 'failed', failure: terminal('x', 'x').failure }, world.clock.now(), 'w')
  expect(await told(world, run.subjectId)).toEqual([])
})

describe('from outside', () => {
  test('a run that nobody knows is gone', async () => {
    expect(await memoryEngine().mover.move('run_x', { kind: 'cancelled' }, 'me')).toMatchObject({ moved: false, reason: 'gone' })
  })
  test('an older seq is refused, and so is what does not fit the run; each says why', async () => {
    const world = memoryEngine()
    await world.begin('run_1', { seq: 4 })
    expect(await world.mover.move('run_1', { kind: 'lost' }, 'sweeper', 3)).toMatchObject({ why: 'the run has moved on' })
    expect(await world.mover.move('run_1', { kind: 'resumed' }, 'batch')).toMatchObject({ why: 'the run is not parked' })
    expect(world.runs.logOf('run_1').length).toBe(1)
  })
  test('a pipeline of another version is left alone', async () => {
    const world = memoryEngine()
    const run = { ...(await world.begin()), pipeline: 'from-the-future' }
    const moved = await moveRun(world.engine, run, { kind: 'lost' }, world.clock.now(), 'sweeper')
    expect(moved).toMatchObject({ moved: false, reason: 'refused' })
  })
})
