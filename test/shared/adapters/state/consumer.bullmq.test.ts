import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createBullmqConsumer } from '#shared/adapters/state/consumer.bullmq.ts'
import { createBullmqDispatcher } from '#shared/adapters/state/dispatcher.bullmq.ts'
import type { Consumer, Job, JobHandler } from '#shared/ports/consumer.ts'
import { jobIdOf } from '#shared/ports/dispatcher.ts'
import { newJob } from '#test/contracts/dispatcher.contract.ts'
import { hasRedis } from '#test/servers/redis.ts'
import { tiedToUs } from '#test/servers/tied-to-us.ts'
import { type QueueWorld, queueWorld } from './queue-world.ts'

const SCREEN = { pipeline: 'support-ticket', step: 'screen' }
const SCREEN_QUEUE = 'support-ticket.screen'
const DONE = { kind: 'done' } as const

describe.skipIf(!hasRedis)('with a real Redis (needs redis-server on PATH)', () => {
  let world: QueueWorld
  const consumers: Consumer[] = []
  let prefixes = 0
  beforeAll(async () => {
    world = await queueWorld()
  })
  afterEach(async () => {
    vi.useRealTimers()
    await Promise.all(consumers.splice(0).map((consumer) => consumer.stop(0)))
  })
  afterAll(() => world.close())

  /** A queue of the test's own, and as many consumers of it as it wants. */
  const open = () => {
    const space = { redis: world.redis, prefix: `test-${++prefixes}` }
    const dispatcher = createBullmqDispatcher(space, [SCREEN_QUEUE])
    const queue = dispatcher.queues.find(({ name }) => name === SCREEN_QUEUE)!
    let monotonic = 0
    const consume = (handler: JobHandler, concurrency = 1) => {
      const { log, connect } = world
      const consumer = createBullmqConsumer({ ...space, connect, log, monotonicMs: () => monotonic })
      consumers.push(consumer)
      consumer.start(SCREEN, handler, concurrency)
      return consumer
    }
    const stateOf = (job: Job) => async () => (await queue.getJob(jobIdOf(job)))?.getState()
    const passMs = (ms: number) => {
      monotonic += ms
    }
    return { space, dispatcher, queue, consume, stateOf, passMs }
  }

  test('a job reaches the handler with its run and seq, and is done when that says so', async () => {
    const { dispatcher, consume, stateOf } = open()
    const seen: Job[] = []
    consume(async (job) => {
      seen.push(job)
      return DONE
    })
    const job = newJob({ seq: 4 })
    await dispatcher.dispatch([job])
    await expect.poll(stateOf(job), { timeout: 10_000 }).toBe('completed')
    expect(seen).toEqual([{ runId: job.runId, seq: 4 }])
  })

  test('a queue that an operator has paused is known as paused, and again when it goes on', async () => {
    const { queue, consume } = open()
    const consumer = consume(async () => DONE)
    const paused = () => consumer.paused?.(SCREEN)
    expect(paused()).toBe(false)
    await queue.pause()
    await expect.poll(paused, { timeout: 20_000 }).toBe(true)
    await queue.resume()
    await expect.poll(paused, { timeout: 20_000 }).toBe(false)
  })

  test('a job that was handed back is taken up by another worker', async () => {
    const { dispatcher, consume, stateOf } = open()
    const job = newJob({ seq: 1 })
    const taken = Promise.withResolvers<void>()
    const first = consume(async (_job, signal) => {
      taken.resolve()
      await once(signal, 'abort')
      return { kind: 'hand-back' }
    })
    await dispatcher.dispatch([job])
    await taken.promise
    await first.stop(0)
    expect(await stateOf(job)()).toBe('waiting')
    const seen: Job[] = []
    consume(async (again) => {
      seen.push(again)
      return DONE
    })
    await expect.poll(stateOf(job), { timeout: 10_000 }).toBe('completed')
    expect(seen).toEqual([{ runId: job.runId, seq: 1 }])
  })

  test('a job for later waits as delayed, is still held, and comes again', async () => {
    const { dispatcher, consume, stateOf } = open()
    const job = newJob()
    const calledAt: number[] = []
    consume(async () => {
      calledAt.push(performance.now())
      return calledAt.length === 1 ? { kind: 'later', delayMs: 1_000 } : DONE
    })
    await dispatcher.dispatch([job])
    await expect.poll(stateOf(job), { timeout: 10_000, interval: 20 }).toBe('delayed')
    expect((await dispatcher.held([job])).size).toBe(1)
    await expect.poll(stateOf(job), { timeout: 10_000 }).toBe('completed')
    expect(calledAt).toHaveLength(2)
    expect(calledAt[1]! - calledAt[0]!).toBeGreaterThan(900)
  })

  test('the job of a worker that was killed is taken up by another within 10 s', async () => {
    const { space, dispatcher, consume, stateOf } = open()
    const [program, args] = tiedToUs(process.execPath, [
      join(import.meta.dirname, 'hang-on-job.ts'),
      world.server.socket,
      space.prefix,
    ])
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const job = newJob()
    await dispatcher.dispatch([job])
    const [line] = await once(child.stdout, 'data')
    expect(String(line).trim()).toBe(job.runId)
    const seen: Job[] = []
    consume(async (again) => {
      seen.push(again)
      return DONE
    })
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    await expect.poll(stateOf(job), { timeout: 10_000 }).toBe('completed')
    expect(seen).toEqual([{ runId: job.runId, seq: 0 }])
  })

  test('whoever has lost the lock of its job is told by its signal', async () => {
    const { space, dispatcher, consume } = open()
    const taken = Promise.withResolvers<void>()
    const told = Promise.withResolvers<unknown>()
    consume(async (_job, signal) => {
      taken.resolve()
      signal.addEventListener('abort', () => told.resolve(signal.reason))
      await once(signal, 'abort')
      return DONE
    })
    const job = newJob()
    await dispatcher.dispatch([job])
    await taken.promise
    await world.redis.set(`${space.prefix}:${SCREEN_QUEUE}:${jobIdOf(job)}:lock`, 'somebody else')
    expect(String(await told.promise)).toContain('the lock was lost')
  })

  test('a job that is not ours to read is put away as failed, and the handler never sees it', async () => {
    const { queue, consume } = open()
    const seen: Job[] = []
    consume(async (job) => {
      seen.push(job)
      return DONE
    })
    for (const [i, data] of [{}, { runId: 5, seq: 0 }, { runId: 'run_1', seq: -1 }].entries())
      await queue.add('screen', data, { jobId: `odd_${i}` })
    await expect.poll(() => queue.getJobCounts('failed'), { timeout: 10_000 }).toEqual({ failed: 3 })
    expect(seen).toEqual([])
  })

  describe('stopping', () => {
    test('a job in hand may end within its time, and no other is taken', async () => {
      const { dispatcher, consume, stateOf } = open()
      const [first, second] = [newJob({ seq: 1 }), newJob({ seq: 1 })]
      const gate = Promise.withResolvers<void>()
      const taken = Promise.withResolvers<void>()
      const consumer = consume(async () => {
        taken.resolve()
        await gate.promise
        return DONE
      })
      await dispatcher.dispatch([first, second])
      await taken.promise
      const stopped = consumer.stop(30_000)
      gate.resolve()
      await stopped
      const states = [await stateOf(first)(), await stateOf(second)()]
      expect(states.toSorted()).toEqual(['completed', 'waiting'])
    })

    test('it ends although a handler does not listen; the job comes to another worker', async () => {
      const { dispatcher, consume, stateOf } = open()
      const taken = Promise.withResolvers<void>()
      const deaf = consume(() => {
        taken.resolve()
        return new Promise(() => {})
      })
      const job = newJob()
      await dispatcher.dispatch([job])
      await taken.promise
      await deaf.stop(10)
      consume(async () => DONE)
      await expect.poll(stateOf(job), { timeout: 15_000 }).toBe('completed')
    })

    test('it ends although nothing was started', async () => {
      const { log, connect, redis } = world
      await createBullmqConsumer({ redis, prefix: 'none', connect, log, monotonicMs: () => 0 }).stop(30_000)
    })
  })

  describe('liveness', () => {
    test('a queue from which nothing came for a minute is named; a job, or a canary, clears it', async () => {
      const { dispatcher, queue, consume, passMs } = open()
      const seen: Job[] = []
      const consumer = consume(async (job) => {
        seen.push(job)
        return DONE
      })
      expect(await consumer.alive()).toMatchObject({ ok: true })
      passMs(59_000)
      expect(await consumer.alive()).toMatchObject({ ok: true })
      passMs(2_000)
      expect(await consumer.alive()).toMatchObject({ ok: false, detail: expect.stringContaining(SCREEN_QUEUE) })
      await dispatcher.dispatch([newJob()])
      await expect.poll(async () => (await consumer.alive()).ok, { timeout: 10_000 }).toBe(true)
      expect(seen).toHaveLength(1)
      passMs(61_000)
      expect((await consumer.alive()).ok).toBe(false)
      await queue.add('canary', {})
      await expect.poll(async () => (await consumer.alive()).ok, { timeout: 10_000 }).toBe(true)
      expect(seen).toHaveLength(1)
    })

    test('canaries are sent from time to time, pass through, and leave nothing behind', async () => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      const { queue, consume, passMs } = open()
      const seen: Job[] = []
      const consumer = consume(async (job) => {
        seen.push(job)
        return DONE
      })
      passMs(61_000)
      expect((await consumer.alive()).ok).toBe(false)
      vi.advanceTimersByTime(10_000)
      await expect.poll(async () => (await consumer.alive()).ok, { timeout: 10_000 }).toBe(true)
      expect(seen).toEqual([])
      await expect
        .poll(() => queue.getJobCounts(), { timeout: 10_000 })
        .toMatchObject({ waiting: 0, active: 0, completed: 0, failed: 0 })
    })

    test('a worker whose hands are full is not silent, however long its jobs take', async () => {
      const { dispatcher, consume, passMs } = open()
      const gate = Promise.withResolvers<void>()
      const taken = Promise.withResolvers<void>()
      const consumer = consume(async () => {
        taken.resolve()
        await gate.promise
        return DONE
      })
      await dispatcher.dispatch([newJob()])
      await taken.promise
      passMs(600_000)
      expect((await consumer.alive()).ok).toBe(true)
      gate.resolve()
    })

    test('while Redis is away nothing can be judged, and its absence is not held against the worker afterwards', async () => {
      const { dispatcher, consume, passMs, stateOf } = open()
      const consumer = consume(async () => DONE)
      const stopping = consume(async () => DONE)
      const before = newJob()
      await dispatcher.dispatch([before])
      await expect.poll(stateOf(before), { timeout: 10_000 }).toBe('completed')
      await world.server.kill9()
      await expect.poll(() => world.redis.status, { timeout: 5_000 }).not.toBe('ready')
      passMs(600_000)
      expect(await consumer.alive()).toMatchObject({ ok: true, detail: expect.stringContaining('Redis') })
      await stopping.stop(10)
      await world.server.restart('empty')
      await expect.poll(() => world.redis.status, { timeout: 10_000 }).toBe('ready')
      expect((await consumer.alive()).ok).toBe(true)
      const job = newJob()
      await dispatcher.dispatch([job])
      await expect.poll(stateOf(job), { timeout: 10_000 }).toBe('completed')
    })
  })
})
