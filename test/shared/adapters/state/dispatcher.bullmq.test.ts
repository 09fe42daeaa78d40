import { Worker } from 'bullmq'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBullmqDispatcher, priorityOf } from '#shared/adapters/state/dispatcher.bullmq.ts'
import { DEAD_LETTER_QUEUE } from '#shared/adapters/state/queue-names.ts'
import { jobIdOf } from '#shared/ports/dispatcher.ts'
import { dispatcherContract, newJob } from '#test/contracts/dispatcher.contract.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'
import { memoryQueues } from '#test/fakes/queues.memory.ts'
import { hasRedis } from '#test/servers/redis.ts'
import { type QueueWorld, queueWorld } from './queue-world.ts'

const SCREEN = 'support-ticket.screen'

describe('in memory', () => {
  const queues = memoryQueues(steadyClock())
  dispatcherContract(() => ({ dispatcher: queues.dispatcher, forget: async () => queues.flush() }))
})

describe('priorities (0 runs first)', () => {
  const priority = (lane: 'interactive' | 'standard' | 'offline', seq: number, backlog: number) =>
    priorityOf(newJob({ lane, seq, backlog }))

  test('the interactive lane goes before everything that has not begun', () => {
    expect(priority('interactive', 0, 50_000)).toBe(0)
    expect(priority('standard', 0, 0)).toBeGreaterThan(0)
  })

  test('what has begun is finished before something new is begun', () => {
    expect(priority('standard', 1, 50_000)).toBe(0)
  })

  test('of new runs, those of the tenant with the smaller backlog go first', () => {
    expect(priority('standard', 0, 3)).toBeLessThan(priority('standard', 0, 4))
  })

  test('the offline lane comes last, and no priority leaves the bounds of BullMQ', () => {
    expect(priority('offline', 5, 0)).toBeGreaterThan(priority('standard', 0, 500_000))
    for (const backlog of [-5, 0.5, 1e9, Number.MAX_SAFE_INTEGER]) {
      const given = priority('offline', 0, backlog)
      expect(Number.isInteger(given) && given >= 1_000_000 && given <= 2_097_151, String(given)).toBe(true)
    }
  })
})

describe.skipIf(!hasRedis)('with a real Redis (needs redis-server on PATH)', () => {
  let world: QueueWorld
  let prefixes = 0
  beforeAll(async () => {
    world = await queueWorld()
  })
  afterAll(() => world.close())
  const open = () => {
    const space = { redis: world.redis, prefix: `test-${++prefixes}` }
    const dispatcher = createBullmqDispatcher(space, [SCREEN, 'support-ticket.recall'])
    const queueOf = (name: string) => dispatcher.queues.find((queue) => queue.name === name)!
    return { space, dispatcher, screen: queueOf(SCREEN), letters: queueOf(DEAD_LETTER_QUEUE) }
  }

  dispatcherContract(() => ({ dispatcher: open().dispatcher, forget: () => world.server.flush() }))

  test('a job carries ids only, has one attempt, and is named by its run and seq', async () => {
    const { dispatcher, screen } = open()
    const job = newJob({ seq: 7, lane: 'interactive' })
    await dispatcher.dispatch([job])
    const stored = (await screen.getJob(`${job.runId}_7`))!
    expect(stored.name).toBe('screen')
    expect(stored.data).toEqual({ runId: job.runId, seq: 7 })
    expect(stored.opts).toMatchObject({ attempts: 1 })
    expect(await stored.getState()).toBe('waiting')
  })

  test('a delay and a priority arrive, alone and in bulk', async () => {
    const { dispatcher, screen } = open()
    const [alone, ...bulk] = Array.from({ length: 3 }, () => newJob({ delayMs: 3_600_000, backlog: 41 }))
    await dispatcher.dispatch([alone!])
    await dispatcher.dispatch(bulk)
    for (const job of [alone!, ...bulk]) {
      const stored = (await screen.getJob(jobIdOf(job)))!
      expect(await stored.getState()).toBe('delayed')
      expect([stored.delay, stored.priority]).toEqual([3_600_000, 42])
    }
  })

  test('jobs are taken in the order of their priorities', async () => {
    const { space, dispatcher } = open()
    const jobs = [
      newJob({ runId: 'run_offline', lane: 'offline' }),
      newJob({ runId: 'run_flood', backlog: 900 }),
      newJob({ runId: 'run_flood-too', backlog: 901 }),
      newJob({ runId: 'run_quiet', backlog: 2 }),
      newJob({ runId: 'run_begun', seq: 3, backlog: 900 }),
      newJob({ runId: 'run_interactive', lane: 'interactive', backlog: 900 }),
    ]
    await dispatcher.dispatch(jobs)
    const taken: string[] = []
    const worker = new Worker(SCREEN, async (job) => void taken.push(job.data.runId), {
      connection: world.connect(),
      prefix: space.prefix,
    })
    await expect.poll(() => taken.length, { timeout: 10_000 }).toBe(jobs.length)
    await worker.close()
    expect(taken).toEqual(['run_begun', 'run_interactive', 'run_quiet', 'run_flood', 'run_flood-too', 'run_offline'])
  })

  test('a job in a worker’s hands is held; one that ended, well or not, is not', async () => {
    const { space, dispatcher } = open()
    const [active, completed, failed] = [newJob(), newJob(), newJob()]
    const gate = Promise.withResolvers<void>()
    const worker = new Worker(
      SCREEN,
      async (job) => {
        if (job.id === jobIdOf(failed)) throw new Error('as told')
        if (job.id === jobIdOf(active)) await gate.promise
      },
      { connection: world.connect(), prefix: space.prefix, concurrency: 3 },
    )
    worker.on('error', () => {})
    await dispatcher.dispatch([active, completed, failed])
    const depth = async () => (await dispatcher.depths()).find(({ queue }) => queue === SCREEN)
    await expect.poll(depth, { timeout: 10_000 }).toMatchObject({ active: 1, failed: 1, waiting: 0 })
    await expect.poll(() => dispatcher.held([active, completed, failed]), { timeout: 10_000 }).toEqual(new Set([jobIdOf(active)]))
    gate.resolve()
    await worker.close()
    expect(await dispatcher.held([active])).toEqual(new Set())
  })

  test('a job that is put off for long, while its run is due, is not held: a wrong clock did that', async () => {
    const { dispatcher } = open()
    const [soon, late] = [newJob({ delayMs: 5_000 }), newJob({ delayMs: 60_000 })]
    await dispatcher.dispatch([soon, late])
    expect(await dispatcher.held([soon, late])).toEqual(new Set([jobIdOf(soon)]))
  })

  test('depths count waiting, prioritised, delayed and failed jobs of every queue', async () => {
    const { dispatcher } = open()
    await dispatcher.dispatch([newJob({ lane: 'interactive' }), newJob({ backlog: 5 }), newJob({ delayMs: 3_600_000 })])
    const depths = new Map((await dispatcher.depths()).map(({ queue, ...depth }) => [queue, depth]))
    expect([...depths.keys()].toSorted()).toEqual([DEAD_LETTER_QUEUE, 'support-ticket.recall', SCREEN].toSorted())
    expect(depths.get(SCREEN)).toEqual({ waiting: 2, active: 0, delayed: 1, failed: 0 })
  })

  test('a job that holds more than ids is refused', async () => {
    const { screen } = open()
    const data = { text: 'x'.repeat(2_000) }
    await expect(screen.add('screen', data)).rejects.toThrow(/exceeds the limit/)
    await expect(screen.addBulk([{ name: 'screen', data }])).rejects.toThrow(/exceeds the limit/)
    expect(await screen.getJobCounts('wait')).toEqual({ wait: 0 })
  })

  test('a step without a queue is refused', async () => {
    const { dispatcher } = open()
    await expect(dispatcher.dispatch([newJob({ step: 'nonsense' })])).rejects.toThrow('there is no queue for step "nonsense"')
  })

  test('dead letters are mirrored once each, whatever their number', async () => {
    const { dispatcher, letters } = open()
    const letter = (n: number) => ({ id: `dl_${n}`, runId: `run_${n}`, step: 'screen', code: 'c'.repeat(80), tenantId: 'acme' })
    await dispatcher.mirrorDeadLetters([letter(1), letter(2)])
    await dispatcher.mirrorDeadLetters([letter(2)])
    const jobs = await letters.getJobs(['wait'])
    expect(jobs.map(({ id }) => id).toSorted()).toEqual(['dl_1', 'dl_2'])
    expect(jobs[0]!.data).toMatchObject({ tenantId: 'acme', step: 'screen' })
  })

  test('copies of dead letters are taken away by their ids, and those that are gone already are no matter', async () => {
    const { dispatcher, letters } = open()
    const letter = (n: number) => ({ id: `dl_${n}`, runId: `run_${n}`, step: 'screen', code: 'no-way', tenantId: 'acme' })
    await dispatcher.mirrorDeadLetters([letter(1), letter(2), letter(3)])
    await dispatcher.forgetDeadLetters(['dl_1', 'dl_3', 'dl_none'])
    await dispatcher.forgetDeadLetters(['dl_1'])
    expect((await letters.getJobs(['wait'])).map(({ id }) => id)).toEqual(['dl_2'])
  })

  test('while Redis is away everything fails soon; nothing is called lost that may be there', async () => {
    const { dispatcher } = open()
    const job = newJob()
    await dispatcher.dispatch([job])
    await world.server.kill9()
    await expect.poll(() => world.redis.status, { timeout: 5_000 }).not.toBe('ready')
    await expect(dispatcher.dispatch([newJob()])).rejects.toThrow()
    await expect(dispatcher.dispatch([newJob(), newJob()])).rejects.toThrow()
    await expect(dispatcher.held([job])).rejects.toThrow()
    await expect(dispatcher.lostMemory()).rejects.toThrow()
    await expect(dispatcher.forgetDeadLetters(['dl_1'])).rejects.toThrow()
    await world.server.restart('empty')
    await expect.poll(() => world.redis.status, { timeout: 10_000 }).toBe('ready')
    expect(await dispatcher.lostMemory()).toBe(true)
    await dispatcher.dispatch([job])
    expect((await dispatcher.held([job])).size).toBe(1)
  })
})
