import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Database } from '#shared/database/client.ts'
import { openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { migrate } from '#shared/database/migrate.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'
import { collect } from '#workers/batch/collect.ts'
import { type BatchWorld, batchWorld } from './world.ts'

const TOLERANCE_DIGITS = 6
const CREATE = { openai: 'POST /v1/batches', anthropic: 'POST /v1/messages/batches' }

describe('on PGlite', () => {
  let opened: Database
  const database = () => opened
  beforeAll(async () => {
    opened = new Database(await openPgliteInMemory())
    await migrate(opened)
    simulator = await startSimulator({ seed: 9 })
  })
  afterAll(async () => {
    await simulator.close()
    await opened.close()
  })
  const afterRound =
    <T>(look: () => T | Promise<T>) =>
    async () => {
      await world.round()
      return look()
    }
  let simulator: Simulator
  let world: BatchWorld
  describe.each(['openai', 'anthropic'] as const)('the batch worker with %s', (provider) => {
    beforeEach(async () => {
      simulator.setBatchPlan({})
      simulator.setFaults([])
      world = batchWorld(database(), simulator, provider)
      await world.forget()
    })

    test('takes parked runs to their end at half the price, each asked once', async () => {
      const before = { usd: simulator.meter().costUsd, ...simulator.batches() }
      const ids = await world.begin(30, 'plain')
      expect(await world.workAll(ids)).toEqual(Array(30).fill('parked'))
      await world.finish(ids)
      expect(world.sync.requests).toHaveLength(0)
      for (const id of ids) expect((await world.runs.load(id))!.status).toBe('closed')
      expect((await world.triageOf(ids[0]!))!.intent).toMatch(/invoice|login/)
      expect(await world.requestStates()).toEqual({ answered: 30 })
      expect(simulator.batches().submitted - before.submitted).toBe(30)
      expect(simulator.batches().submittedTwice).toBe(before.submittedTwice)
      expect(await world.costUsd(ids)).toBeCloseTo(simulator.meter().costUsd - before.usd, TOLERANCE_DIGITS)
    })

    test('asks synchronously what failed, expired or came in another shape, and leaves refusals to a person', async () => {
      const number = simulator.batches().batches
      const before = simulator.meter().costUsd
      simulator.setBatchPlan({ itemErrors: 0.2, refusals: 0.1, wrongShapes: 0.1, expire: [number] })
      const ids = await world.begin(60, 'mixed')
      await world.workAll(ids)
      await world.finish(ids)
      const states = await world.requestStates()
      expect(states.spilled).toBe(world.sync.requests.length)
      expect(states.spilled).toBeGreaterThanOrEqual(30)
      expect(states.failed ?? 0).toBeGreaterThan(0)
      expect(Object.values(states).reduce((a, b) => a + b)).toBe(60)
      const statuses = await Promise.all(ids.map(async (id) => (await world.runs.load(id))!))
      const handedOver = statuses.filter(({ step }) => step === 'escalate')
      expect(handedOver).toHaveLength(states.failed!)
      expect(statuses.filter(({ status }) => status === 'closed')).toHaveLength(60 - states.failed!)
      const syncUsd = world.sync.requests.length * 0.01
      expect(await world.costUsd(ids)).toBeCloseTo(simulator.meter().costUsd - before + syncUsd, TOLERANCE_DIGITS)
    })

    test('counts results that come twice once, and survives cut lines and strangers', async () => {
      simulator.setBatchPlan({ repeatedLines: 5, cutLines: 3, unknownLines: 2 })
      const ids = await world.begin(20, 'flawed')
      await world.workAll(ids)
      await world.finish(ids)
      expect(await world.requestStates()).toEqual({ answered: 17, spilled: 3 })
      expect(world.sync.requests).toHaveLength(3)
      expect((await world.batches.list(1))[0]).toMatchObject({ malformed: 3, unknown: 2, repeated: 5, state: 'done' })
    })

    test('finds a batch again whose creation was not seen to succeed, instead of making a second one', async () => {
      const before = simulator.batches()
      simulator.setFaults([{ match: CREATE[provider], fault: 'drop', count: 1 }])
      const ids = await world.begin(9, 'dropped')
      await world.workAll(ids)
      await world.finish(ids)
      const after = simulator.batches()
      expect(after.submitted - before.submitted).toBe(9)
      expect(after.submittedTwice).toBe(before.submittedTwice)
      expect(await world.requestStates()).toEqual({ answered: 9 })
    })

    test('sends nothing of runs that were cancelled, and cancels a batch that nobody waits for', async () => {
      const before = simulator.batches()
      const cancel = async (ids: readonly string[]) => {
        const sql = "UPDATE runs SET status = 'cancelled' WHERE id = ANY($1)"
        await database().asSystem('as a cancellation does', sql, [ids])
      }
      const early = await world.begin(5, 'early')
      await world.workAll(early)
      await cancel(early)
      await world.round()
      expect(simulator.batches().submitted).toBe(before.submitted)
      expect(await world.requestStates()).toEqual({ cancelled: 5 })

      simulator.setBatchPlan({ requestsPerSecond: 0.1 })
      const late = await world.begin(100, 'late')
      await world.workAll(late)
      await expect
        .poll(
          afterRound(() => simulator.batches().served),
          { timeout: 15_000 },
        )
        .toBeGreaterThan(before.served)
      await cancel(late)
      await expect
        .poll(
          afterRound(async () => (await world.batches.list(1))[0]!.state),
          { timeout: 15_000 },
        )
        .toBe('done')
      expect(simulator.batches().served - before.served).toBeLessThan(100)
      expect((await world.requestStates()).cancelled).toBe(105)
      // What was served before the cancellation is on the bill, though nobody reads it.
      expect(await world.costUsd(late)).toBeGreaterThan(0)
    })

    test('bills what comes of runs that were cancelled while their batch was being finalised, and hands it to nobody', async () => {
      simulator.setBatchPlan({ finalizingMs: 60_000 })
      const before = simulator.meter().costUsd
      const ids = await world.begin(6, 'final')
      await world.workAll(ids)
      await expect
        .poll(
          afterRound(() => simulator.meter().costUsd - before),
          { timeout: 15_000 },
        )
        .toBeGreaterThan(0)
      await database().asSystem('as a cancellation does', "UPDATE runs SET status = 'cancelled' WHERE id = ANY($1)", [ids])
      await world.round()
      simulator.setBatchPlan({})
      await expect
        .poll(
          afterRound(async () => (await world.batches.list(1))[0]!.state),
          { timeout: 15_000 },
        )
        .toBe('done')
      expect(await world.requestStates()).toEqual({ cancelled: 6 })
      expect(await world.costUsd(ids)).toBeCloseTo(simulator.meter().costUsd - before, TOLERANCE_DIGITS)
      expect(world.sync.requests).toHaveLength(0)
    })

    test('is not confused by a provider whose clock is a day ahead', async () => {
      simulator.setBatchPlan({ clockAheadMs: 86_400_000 })
      const ids = await world.begin(6, 'ahead')
      await world.workAll(ids)
      simulator.setFaults([{ match: CREATE[provider], fault: 'drop', count: 1 }])
      await world.finish(ids)
      expect(await world.requestStates()).toEqual({ answered: 6 })
      expect(simulator.batches().submittedTwice).toBe(0)
    })

    test('asks synchronously at once what would miss its deadline, and what a batch did not bring in time', async () => {
      const [urgent] = await world.begin(1, 'urgent', new Date(Date.now() + 20 * 60_000))
      expect(await world.work(urgent!)).toBe('closed')
      simulator.setBatchPlan({ requestsPerSecond: 1 })
      const ids = await world.begin(8, 'slow')
      await world.workAll(ids)
      await world.round()
      await database().asSystem('time passes', "UPDATE batch_requests SET spill_at = now() - interval '1 second'")
      await world.finish(ids)
      expect(world.sync.requests).toHaveLength(9)
      expect(await world.requestStates()).toEqual({ spilled: 8 })
    })
  })

  test('packs one model a batch, and as many requests and bytes as the provider takes', async () => {
    world = batchWorld(database(), simulator, 'openai')
    await world.forget()
    const { openAi, desk, batches, requests } = world
    expect(openAi.limits).toEqual({ maxRequests: 50_000, maxBytes: 200_000_000 })
    expect(world.anthropic.limits).toEqual({ maxRequests: 100_000, maxBytes: 256_000_000 })
    const ask = (name: string, model: string, n: number, bytes: number) =>
      Promise.all(
        Array.from({ length: n }, (_, i) => {
          const id = `brq_${name}${String(i).padStart(4, '0')}`
          const key = { tenantId: 'default', runId: `run_${id}`, step: 'classify', visit: 1, requestHash: id }
          const what = { provider: 'openai', model, endpoint: '/v1/chat/completions' as const, inputTokens: 1 }
          const about = { task: 'classify', tier: 'cheap', prompt: { id: 'p', version: 1, hash: 'h' }, ...what } as const
          const now = desk.clock.now()
          const spillAt = new Date(now.getTime() + 86_400_000)
          return requests.ask({ id, key, ...about, body: JSON.stringify({ text: 'x'.repeat(bytes) }), spillAt, createdAt: now })
        }),
      )
    const packed = async (limits: { maxRequests: number; maxBytes: number }) => {
      await collect({ ...desk, batchProviders: [{ ...openAi, limits }] }, true)
      return (await batches.list(100)).map(({ model, requests: n }) => `${model} ${n}`).toSorted()
    }
    await ask('few', 'gpt-6-luna', 10, 10)
    await ask('other', 'gpt-6-sol', 3, 10)
    expect(await packed({ maxRequests: 4, maxBytes: 1e9 })).toEqual([
      'gpt-6-luna 2',
      'gpt-6-luna 4',
      'gpt-6-luna 4',
      'gpt-6-sol 3',
    ])
    await world.forget()
    await ask('long', 'gpt-6-luna', 5, 1_000)
    await ask('longest', 'gpt-6-luna', 1, 9_000)
    // One that is larger than a batch may be goes alone: the provider is the one to say no.
    expect(await packed({ maxRequests: 100, maxBytes: 2_800 })).toEqual([
      'gpt-6-luna 1',
      'gpt-6-luna 1',
      'gpt-6-luna 2',
      'gpt-6-luna 2',
    ])
  })

  test('settles what was set aside at what each line says, and frees what the batch did not answer', async () => {
    world = batchWorld(database(), simulator, 'openai')
    await world.forget()
    const closed = { settled: 0, usd: 0, released: 0 }
    const budget = {
      settle: async (_: unknown, usd: number) => {
        closed.settled++
        closed.usd += usd
      },
      release: async () => void closed.released++,
    }
    Object.assign(world.desk, { budget })
    const before = simulator.meter().costUsd
    simulator.setBatchPlan({ itemErrors: 0.3 })
    const ids = await world.begin(30, 'paid')
    await world.workAll(ids)
    await world.finish(ids)
    const states = await world.requestStates()
    expect(states.spilled).toBeGreaterThan(0)
    expect(closed).toMatchObject({ settled: states.answered, released: states.spilled })
    expect(closed.usd).toBeCloseTo(simulator.meter().costUsd - before, TOLERANCE_DIGITS)
  })

  test('keeps no text of a request once its batch is done', async () => {
    world = batchWorld(database(), simulator, 'openai')
    await world.forget()
    simulator.setBatchPlan({ itemErrors: 0.3 })
    const ids = await world.begin(20, 'emptied')
    await world.workAll(ids)
    await world.finish(ids)
    const sql = "SELECT count(*)::int AS n FROM batch_requests WHERE body <> ''"
    expect(await database().asSystem('the test looks', sql)).toEqual([{ n: 0 }])
  })

  test('sends the requests of a rejected batch once more without the lines that were named, and then no more', async () => {
    world = batchWorld(database(), simulator, 'openai')
    await world.forget()
    const number = simulator.batches().batches
    const { submitted, submittedTwice } = simulator.batches()
    simulator.setBatchPlan({ reject: [number], rejectedLines: [2, 3] })
    const ids = await world.begin(10, 'rejected')
    await world.workAll(ids)
    await world.finish(ids)
    expect(await world.requestStates()).toEqual({ answered: 8, spilled: 2 })
    expect(simulator.batches()).toMatchObject({ submitted: submitted + 8, submittedTwice })

    const next = simulator.batches().batches
    simulator.setBatchPlan({ reject: [next, next + 1] })
    const again = await world.begin(4, 'again')
    await world.workAll(again)
    await world.finish(again)
    expect(await world.requestStates()).toEqual({ answered: 8, spilled: 6 })
    expect(world.sync.requests).toHaveLength(6)
  })
})
