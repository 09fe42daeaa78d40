import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryEngine } from '#test/fakes/engine.memory.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { CROWDED_FROM, countBacklog } from '#workers/backlog.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const row = (tenantId: string, status: string, count: number) => ({ tenantId, status, pipeline: 'support-ticket', count })

test('counts what is under way by tenant, from the first moment; what waits for people holds nobody up', async () => {
  const rows = [row('a', 'queued', 3), row('a', 'delayed', 2), row('a', 'waiting', 50), row('b', 'parked', 1)]
  const backlog = await countBacklog({ backlog: async () => rows }, recordingLog())
  expect([backlog.of('a'), backlog.of('b'), backlog.of('c'), backlog.total()]).toEqual([5, 1, 0, 6])
  backlog.stop()
})

test('follows the log about once a second', async () => {
  const { runs, begin, mover } = memoryEngine()
  const backlog = await countBacklog(runs, recordingLog())
  expect(backlog.total()).toBe(0)
  await begin('run_1')
  await begin('run_2')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(backlog.of('acme')).toBe(2)
  await mover.move('run_1', { kind: 'cancelled' }, 'customer')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(backlog.of('acme')).toBe(1)
  backlog.stop()
})

test('keeps the last count while the store is away, also from the start', async () => {
  const { runs, begin } = memoryEngine()
  await begin('run_1')
  const log = recordingLog()
  const backlog = await countBacklog(runs, log)
  runs.away = true
  await vi.advanceTimersByTimeAsync(5_000)
  expect(backlog.of('acme')).toBe(1)
  expect(log.lines.length).toBeGreaterThan(0)
  const late = await countBacklog(runs, log)
  expect(late.total()).toBe(0)
  runs.away = false
  await vi.advanceTimersByTimeAsync(2_000)
  expect(late.total()).toBe(1)
  backlog.stop()
  late.stop()
  expect(vi.getTimerCount()).toBe(0)
})

test('never asks again before the last answer is there', async () => {
  const ask = vi.fn(async (): Promise<ReturnType<typeof row>[]> => [])
  const backlog = await countBacklog({ backlog: ask }, recordingLog())
  const slow = Promise.withResolvers<ReturnType<typeof row>[]>()
  ask.mockImplementation(() => slow.promise)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(ask).toHaveBeenCalledTimes(2)
  slow.resolve([row('a', 'running', 7)])
  await vi.advanceTimersByTimeAsync(0)
  expect(backlog.of('a')).toBe(7)
  backlog.stop()
})

test('a tenant is crowded by what is on the move, not by what waits for people or providers', async () => {
  const rows = [
    row('busy', 'queued', CROWDED_FROM - 1),
    row('busy', 'running', 1),
    row('calm', 'waiting', 9_999),
    row('calm', 'parked', 9_999),
  ]
  const backlog = await countBacklog({ backlog: async () => rows }, recordingLog())
  expect([backlog.crowded('busy'), backlog.crowded('calm'), backlog.crowded('new')]).toEqual([true, false, false])
  backlog.stop()
})

test('what this process takes in counts at once, and once only', async () => {
  let rows = [row('a', 'queued', 3)]
  const log = recordingLog()
  let away = false
  const backlog = await countBacklog({ backlog: async () => (away ? Promise.reject(new Error('away')) : rows) }, log)
  backlog.took('a')
  backlog.took('b')
  expect([backlog.of('a'), backlog.of('b'), backlog.total()]).toEqual([4, 1, 5])
  away = true
  await vi.advanceTimersByTimeAsync(1_500)
  expect([backlog.of('a'), backlog.of('b'), backlog.total()]).toEqual([4, 1, 5])
  away = false
  rows = [row('a', 'queued', 4), row('b', 'queued', 1)]
  await vi.advanceTimersByTimeAsync(1_500)
  expect([backlog.of('a'), backlog.of('b'), backlog.total()]).toEqual([4, 1, 5])
  backlog.stop()
})

test('what was taken in before a count that is under way is not forgotten meanwhile', async () => {
  const ask = vi.fn(async () => [row('a', 'queued', 3)])
  const backlog = await countBacklog({ backlog: ask }, recordingLog())
  const slow = Promise.withResolvers<ReturnType<typeof row>[]>()
  ask.mockImplementation(() => slow.promise)
  backlog.took('a')
  await vi.advanceTimersByTimeAsync(1_500)
  expect(ask).toHaveBeenCalledTimes(2)
  backlog.took('a')
  expect([backlog.of('a'), backlog.total()]).toEqual([5, 5])
  slow.resolve([row('a', 'queued', 4)])
  await vi.advanceTimersByTimeAsync(0)
  expect([backlog.of('a'), backlog.total()]).toEqual([5, 5])
  backlog.stop()
})

test('a queue that takes long to count is counted less often', async () => {
  const ask = vi.fn(async (): Promise<ReturnType<typeof row>[]> => {
    await new Promise((resolve) => setTimeout(resolve, 100))
    return []
  })
  const starting = countBacklog({ backlog: ask }, recordingLog())
  await vi.advanceTimersByTimeAsync(100)
  const backlog = await starting
  await vi.advanceTimersByTimeAsync(4_900)
  expect(ask).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(200)
  expect(ask).toHaveBeenCalledTimes(2)
  backlog.stop()
})
