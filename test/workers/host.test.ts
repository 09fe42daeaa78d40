import { afterEach, expect, test, vi } from 'vitest'
import { allQueues } from '#pipelines/registry.ts'
import type { Consumer } from '#shared/ports/consumer.ts'
import { memoryEngine } from '#test/fakes/engine.memory.ts'
import { startWorkers, type WorkerHost } from '#workers/host.ts'
import { steps } from '#workers/steps.ts'

/** A consumer that only notes what it is told. */
function noting() {
  const started: { queue: string; concurrency: number; handler: Parameters<Consumer['start']>[1] }[] = []
  const stops: number[] = []
  const consumer: Consumer = {
    start: ({ pipeline, step }, handler, concurrency) =>
      void started.push({ queue: `${pipeline}.${step}`, handler, concurrency }),
    alive: async () => ({ ok: false, detail: 'silent' }),
    stop: async (drainMs) => void stops.push(drainMs),
  }
  return { started, stops, consumer }
}
const hosts: WorkerHost[] = []
afterEach(() => Promise.all(hosts.splice(0).map((host) => host.stop())))
function start(only?: readonly string[], world = memoryEngine()) {
  const noted = noting()
  const host = startWorkers(world.engine, steps, noted.consumer, only)
  hosts.push(host)
  return { ...noted, host, world }
}

test('works on every step of every pipeline, people’s steps included', () => {
  const { started, host } = start()
  const all = allQueues().map(({ queue }) => queue)
  expect(started.map(({ queue }) => queue)).toEqual(all)
  expect(host.queues).toEqual(all)
  expect(started.every(({ concurrency }) => concurrency >= 1)).toBe(true)
})

test('works on the named steps only, by step or by queue', () => {
  expect(start(['generate', 'send-webhook.send']).host.queues).toEqual(['support-ticket.generate', 'send-webhook.send'])
})

test('refuses a step that does not exist, lists those that do, and starts nothing', () => {
  const { engine } = memoryEngine()
  const { consumer, started } = noting()
  expect(() => startWorkers(engine, steps, consumer, ['generate', 'genrate'])).toThrow(
    /unknown step genrate; there are screen, recall/,
  )
  expect(started).toEqual([])
})

test('hands jobs to the engine, and says what the consumer says of its health', async () => {
  const world = memoryEngine()
  // Queues that are new to the sweeper would make it send the run again.
  await world.queues.dispatcher.lostMemory()
  const { started, host } = start(['screen'], world)
  await world.begin()
  const result = await started[0]!.handler({ runId: 'run_1', seq: 0 }, new AbortController().signal)
  expect(result).toEqual({ kind: 'done' })
  expect(await world.runs.load('run_1')).toMatchObject({ step: 'recall' })
  expect(await host.alive()).toEqual({ ok: false, detail: 'silent' })
})

test('sweeps at once and again and again, also after a sweep that failed', async () => {
  const world = memoryEngine()
  await world.begin()
  world.clock.advance(60_000)
  world.runs.away = true
  start(['screen'], world)
  await vi.waitFor(() => expect(world.log.lines.some(({ message }) => message.startsWith('a sweep failed'))).toBe(true))
  world.runs.away = false
  await vi.waitFor(() => expect(world.queues.dispatched.length).toBe(1), { timeout: 20_000 })
})

test('looks after copies of documents that went, page by page, and again when it could not reach them', async () => {
  const world = memoryEngine()
  const pages: (number | Error)[] = [200, 3, new Error('Redis is away'), 0]
  const asked: number[] = []
  Object.assign(world.engine, {
    copies: {
      async forgetDue(limit: number) {
        asked.push(limit)
        const page = pages.shift() ?? 0
        if (page instanceof Error) throw page
        return page
      },
    },
  })
  start(['screen'], world)
  await vi.waitFor(() => expect(asked.length).toBeGreaterThanOrEqual(4), { timeout: 30_000 })
  expect(asked.slice(0, 4)).toEqual([200, 200, 200, 200])
  expect(world.log.lines.some(({ message }) => message.startsWith('copies of documents that went are still there'))).toBe(true)
})

test('stops in good time: drains for less than 20 s, and a long sweep does not hold it up', async () => {
  const world = memoryEngine()
  for (let i = 0; i < 3_000; i++) await world.begin(`run_${i}`)
  world.clock.advance(60_000)
  const inTheMiddle = Promise.withResolvers<void>()
  Object.assign(world.engine, {
    backlogOf() {
      if (world.queues.dispatched.length === 100) inTheMiddle.resolve(stopAll())
      return 0
    },
  })
  const { host, stops } = start(['screen'], world)
  const stopAll = () => host.stop()
  await inTheMiddle.promise
  expect(world.queues.dispatched.length).toBeGreaterThanOrEqual(100)
  expect(world.queues.dispatched.length).toBeLessThan(300)
  expect(stops[0]).toBeLessThan(20_000)
})

test('looks after no step any more once it has stopped, even when the consumer fails to stop', async () => {
  const world = memoryEngine()
  const { consumer } = noting()
  const looks = vi.spyOn(world.runs, 'seqs')
  const host = startWorkers(world.engine, steps, { ...consumer, stop: () => Promise.reject(new Error('cannot stop')) }, [
    'screen',
  ])
  await expect(host.stop()).rejects.toThrow('cannot stop')
  expect(looks).not.toHaveBeenCalled()
})
