import { expect, test } from 'vitest'
import { memoryEngine } from '#test/fakes/engine.memory.ts'
import { feed, startFeeder, WINDOW } from '#workers/feed.ts'
import { sweep } from '#workers/sweep.ts'

test('held runs go to their queue while there is room, and the rest stays in the log', async () => {
  const { engine, runs, queues, beginHeld } = heldWorld()
  await beginHeld(WINDOW + 5)
  expect(await feed(engine)).toBe(WINDOW)
  expect(queues.dispatched).toHaveLength(WINDOW)
  expect(await feed(engine)).toBe(0)
  expect(await runs.anyHeld()).toBe(true)
})

test('what was let go and never reached a queue is found by the sweeper', async () => {
  const { engine, clock, queues, beginHeld, runs } = heldWorld()
  await queues.dispatcher.lostMemory()
  await beginHeld(1)
  const broken = { ...engine, dispatcher: { ...queues.dispatcher, dispatch: () => Promise.reject(new Error('Redis is away')) } }
  await expect(feed(broken)).rejects.toThrow('Redis is away')
  expect(await runs.anyHeld()).toBe(false)
  clock.advance(10_000)
  expect(await sweep(engine)).toMatchObject({ redispatched: 1 })
})

test('the feeder outlives a store that is away and stops when told', async () => {
  const { engine, runs, queues, beginHeld } = heldWorld()
  await beginHeld(1)
  runs.away = true
  const feeder = startFeeder(engine)
  runs.away = false
  await expect.poll(() => queues.dispatched.length, { timeout: 10_000 }).toBe(1)
  await feeder.stop()
})

function heldWorld() {
  const world = memoryEngine()
  return {
    ...world,
    async beginHeld(n: number) {
      for (let i = 0; i < n; i++) await world.begin(`run_held${i}`, {}, {}, true)
    },
  }
}
