import { describe, expect, test } from 'vitest'
import { memoryEngine } from '#test/fakes/engine.memory.ts'
import { sampleScreened } from '#test/fakes/sample-facts.ts'
import { escalate } from '#workers/steps/escalate.ts'
import { sweep } from '#workers/sweep.ts'

type World = ReturnType<typeof memoryEngine>
const dispatch = (world: World, runId: string, seq = 0, delayMs = 0) =>
  world.queues.dispatcher.dispatch([
    { runId, seq, pipeline: 'support-ticket', step: 'screen', lane: 'standard', delayMs, backlog: 0 },
  ])
/** A world whose queues are known, so that a sweep does not take them for new. */
async function settled(): Promise<World> {
  const world = memoryEngine()
  await world.queues.dispatcher.lostMemory()
  return world
}
const sent = (world: World) => world.queues.dispatched.map(({ runId, seq }) => `${runId}_${seq}`)

describe('jobs', () => {
  test('that the queues lost go out again under a new seq; those that they hold are left alone', async () => {
    const world = await settled()
    for (const id of ['run_lost', 'run_held']) await world.begin(id)
    await dispatch(world, 'run_held')
    world.clock.advance(10_000)
    expect(await sweep(world.engine)).toEqual({ looked: 2, redispatched: 1, expired: 0 })
    expect(sent(world)).toEqual(['run_held_0', 'run_lost_1'])
    expect(world.runs.logOf('run_lost').at(-1)).toMatchObject({ result: 'redispatched', worker: 'sweeper', attempt: 1 })
    expect((await world.runs.load('run_held'))?.seq).toBe(0)
  })
  test('that turn up after all are dropped, for their run has moved on', async () => {
    const world = await settled()
    await world.begin('run_1')
    world.clock.advance(10_000)
    await sweep(world.engine)
    expect(await world.work({ runId: 'run_1', seq: 0 })).toEqual({ kind: 'done' })
    expect(world.results()).toEqual(['screen:accepted', 'screen:redispatched'])
  })
  test('that are due only now, or later, are not missed yet', async () => {
    const world = await settled()
    await world.begin('run_new')
    await world.begin('run_delayed', { status: 'delayed' })
    await world.mover.move(
      'run_delayed',
      { kind: 'failed', failure: { kind: 'retryable', code: 'x', message: 'x', retryAfterMs: 60_000 } },
      'w',
    )
    world.queues.flush()
    await world.queues.dispatcher.lostMemory()
    world.clock.advance(3_000)
    expect(await sweep(world.engine)).toEqual({ looked: 0, redispatched: 0, expired: 0 })
    world.clock.advance(62_000)
    expect(await sweep(world.engine)).toMatchObject({ redispatched: 2 })
  })
  test('that were found are not looked for again in every round', async () => {
    const world = await settled()
    await world.begin('run_1')
    await dispatch(world, 'run_1')
    world.clock.advance(10_000)
    expect((await sweep(world.engine)).looked).toBe(1)
    world.clock.advance(10_000)
    expect((await sweep(world.engine)).looked).toBe(0)
    world.clock.advance(60_000)
    expect((await sweep(world.engine)).looked).toBe(1)
  })
  test('are all looked for in the next round when the database was away as the queues told of their loss', async () => {
    const world = await settled()
    for (const id of ['run_1', 'run_2']) {
      await world.begin(id)
      await dispatch(world, id)
    }
    world.clock.advance(10_000)
    await sweep(world.engine)
    world.queues.flush()
    const { checkAll } = world.engine.runs
    Object.assign(world.engine.runs, { checkAll: () => Promise.reject(new Error('the database is away')) })
    await expect(sweep(world.engine)).rejects.toThrow('away')
    Object.assign(world.engine.runs, { checkAll })
    world.clock.advance(100)
    expect(await sweep(world.engine)).toMatchObject({ looked: 2, redispatched: 2 })
  })
  test('are all looked for at once when the queues have forgotten everything', async () => {
    const world = await settled()
    for (let i = 0; i < 5; i++) await world.begin(`run_${i}`)
    for (let i = 0; i < 5; i++) await dispatch(world, `run_${i}`)
    world.clock.advance(10_000)
    await sweep(world.engine)
    world.queues.flush()
    world.clock.advance(100)
    expect(await sweep(world.engine)).toMatchObject({ looked: 5, redispatched: 5 })
    expect(await sweep(world.engine)).toMatchObject({ looked: 0, redispatched: 0 })
  })
  test('of runs at rest are nobody’s business', async () => {
    const world = await settled()
    for (const status of ['answered', 'closed', 'dead', 'cancelled', 'parked'] as const)
      await world.begin(`run_${status}`, { status })
    world.clock.advance(10_000)
    expect((await sweep(world.engine)).redispatched).toBe(0)
  })
  test('go out once, however many processes sweep', async () => {
    const world = await settled()
    for (let i = 0; i < 20; i++) await world.begin(`run_${i}`)
    world.clock.advance(10_000)
    const rounds = await Promise.all([sweep(world.engine), sweep(world.engine), sweep(world.engine)])
    expect(rounds.reduce((sum, { redispatched }) => sum + redispatched, 0)).toBe(20)
    expect(new Set(sent(world)).size).toBe(20)
  })
  test('are sent again by the thousand in one round', async () => {
    const world = await settled()
    for (let i = 0; i < 2_300; i++) await world.begin(`run_${i}`)
    world.clock.advance(10_000)
    expect(await sweep(world.engine)).toMatchObject({ looked: 2_300, redispatched: 2_300 })
  })
  test('are not sent any more when the process must stop; the next one goes on', async () => {
    const world = await settled()
    for (let i = 0; i < 500; i++) await world.begin(`run_${i}`)
    world.clock.advance(10_000)
    const stop = new AbortController()
    Object.assign(world.engine, {
      backlogOf: () => {
        stop.abort()
        return 0
      },
    })
    const { redispatched } = await sweep(world.engine, stop.signal)
    expect(redispatched).toBeLessThan(100)
    expect((await sweep(world.engine)).redispatched).toBe(500 - redispatched)
  })
})

describe('waits', () => {
  test('that lasted too long end: the ticket is closed and its escalation with it', async () => {
    const world = memoryEngine({ escalate })
    await world.begin('run_1', { step: 'escalate', status: 'running' }, { screened: sampleScreened({ reasons: ['x'] }) })
    await world.work({ runId: 'run_1', seq: 0 })
    expect(await sweep(world.engine)).toMatchObject({ expired: 0 })
    world.clock.advance(72 * 3_600_000)
    expect(await sweep(world.engine)).toMatchObject({ expired: 1 })
    expect(await world.runs.load('run_1')).toMatchObject({ status: 'closed' })
    expect(world.escalations.rows).toMatchObject([{ resolution: 'expired', resolvedBy: null }])
  })
  test('for a batch end by trying again', async () => {
    const world = await settled()
    await world.begin('run_1', { status: 'running' })
    await world.mover.move('run_1', { kind: 'parked', until: new Date(world.clock.now().getTime() + 5_000) }, 'w')
    world.clock.advance(5_000)
    expect(await sweep(world.engine)).toMatchObject({ expired: 1 })
    expect(await world.runs.load('run_1')).toMatchObject({ status: 'running', attempt: 1 })
    expect(sent(world)).toEqual(['run_1_2'])
  })
})

describe('trouble', () => {
  test('with a store ends the round, and the next round does its work', async () => {
    const world = await settled()
    await world.begin('run_1')
    world.clock.advance(10_000)
    world.runs.away = true
    await expect(sweep(world.engine)).rejects.toThrow()
    world.runs.away = false
    world.queues.away = true
    await expect(sweep(world.engine)).rejects.toThrow()
    world.queues.away = false
    expect(await sweep(world.engine)).toMatchObject({ redispatched: 1 })
  })
  test('with one run does not keep the others from being found', async () => {
    const world = await settled()
    for (const id of ['run_bad', 'run_good', 'run_better']) await world.begin(id)
    world.clock.advance(10_000)
    const { load } = world.runs
    Object.assign(world.engine, {
      runs: { ...world.runs, load: (id: string) => (id === 'run_bad' ? Promise.reject(new Error('cannot be read')) : load(id)) },
    })
    expect(await sweep(world.engine)).toMatchObject({ redispatched: 2 })
    expect(sent(world).sort()).toEqual(['run_better_1', 'run_good_1'])
    expect(world.log.lines.find(({ fields }) => fields.runId === 'run_bad')).toBeDefined()
  })
  test('with very many runs that cannot be moved does not make the round endless', async () => {
    const world = await settled()
    for (let i = 0; i < 1_000; i++) await world.begin(`run_${i}`)
    await world.begin('run_last')
    world.clock.advance(10_000)
    const { load } = world.runs
    Object.assign(world.engine, {
      runs: {
        ...world.runs,
        load: async (id: string) => ({
          ...(await load(id))!,
          pipeline: id === 'run_last' ? 'support-ticket' : 'of-a-later-version',
        }),
      },
    })
    expect(await sweep(world.engine)).toMatchObject({ looked: 1_001, redispatched: 1 })
  })
  test('with closing an escalation is told, and the ticket is closed all the same', async () => {
    const world = await settled()
    await world.begin('run_1', { step: 'escalate', status: 'running' })
    await world.mover.move('run_1', { kind: 'waiting', until: world.clock.now(), facts: {} }, 'w')
    Object.assign(world.escalations, { resolve: () => Promise.reject(new Error('away')) })
    await sweep(world.engine)
    expect(await world.runs.load('run_1')).toMatchObject({ status: 'closed' })
    expect(world.log.lines.some(({ level }) => level === 'warn')).toBe(true)
  })
})
