import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { type Overtaken, watchOvertaken } from '#workers/overtaken.ts'
import { Stopped } from '#workers/stopped.ts'

let seqs: (ids: readonly string[]) => Promise<Map<string, number>>
let overtaken: Overtaken
const log = recordingLog()
const asked: (readonly string[])[] = []
const checked: { readonly ids: readonly string[]; readonly restMs: number }[] = []

beforeEach(() => {
  vi.useFakeTimers()
  asked.splice(0)
  checked.splice(0)
  seqs = async () => new Map()
  overtaken = watchOvertaken(
    {
      seqs: (ids) => {
        asked.push(ids)
        return seqs(ids)
      },
      async checked(ids, restMs) {
        checked.push({ ids, restMs })
      },
    },
    log,
  )
})
afterEach(() => {
  overtaken.stop()
  vi.useRealTimers()
})

/** Work that ends when it is told to, and what its signal says. */
function start(id: string, seq: number, unqueued = false) {
  const end = Promise.withResolvers<string>()
  let gone: AbortSignal | undefined
  const result = overtaken.watch(
    { id, seq },
    (signal) => {
      gone = signal
      return end.promise
    },
    unqueued,
  )
  return { gone: gone!, end: () => end.resolve('done'), result }
}

test('work whose run has moved on is told why within a second; other work is left alone', async () => {
  seqs = async () =>
    new Map([
      ['run_a', 4],
      ['run_b', 1],
    ])
  const a = start('run_a', 3)
  const b = start('run_b', 1)
  await vi.advanceTimersByTimeAsync(1_000)
  expect([a.gone.aborted, b.gone.aborted]).toEqual([true, false])
  expect(a.gone.reason).toBeInstanceOf(Stopped)
  expect(a.gone.reason.why).toBe('overtaken')
})

test('work whose run is gone is stopped', async () => {
  const a = start('run_a', 3)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(a.gone.aborted).toBe(true)
})

test('work that begins while the question is on its way is not taken for overtaken by the reply', async () => {
  const reply = Promise.withResolvers<Map<string, number>>()
  seqs = () => reply.promise
  const early = start('run_a', 0)
  await vi.advanceTimersByTimeAsync(600)
  const late = start('run_b', 0)
  const sameRunLater = start('run_a', 1)
  reply.resolve(new Map([['run_a', 0]]))
  await vi.advanceTimersByTimeAsync(0)
  expect([early.gone.aborted, late.gone.aborted, sameRunLater.gone.aborted]).toEqual([false, false, false])
})

test('asks once for all, never twice at a time, and not at all when nothing is in flight', async () => {
  await vi.advanceTimersByTimeAsync(5_000)
  expect(asked).toEqual([])
  const reply = Promise.withResolvers<Map<string, number>>()
  seqs = () => reply.promise
  const work = [start('run_a', 0), start('run_b', 0), start('run_a', 0)]
  await vi.advanceTimersByTimeAsync(5_000)
  expect(asked).toEqual([['run_a', 'run_b']])
  for (const { end } of work) end()
  expect(await Promise.all(work.map(({ result }) => result))).toEqual(['done', 'done', 'done'])
  reply.resolve(new Map())
  await vi.advanceTimersByTimeAsync(5_000)
  expect(asked.length).toBe(1)
})

test('while the store is away nothing is stopped, and the next look sees it', async () => {
  seqs = () => Promise.reject(new Error('away'))
  const a = start('run_a', 0)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(a.gone.aborted).toBe(false)
  expect(log.lines.some(({ level }) => level === 'warn')).toBe(true)
  seqs = async () => new Map([['run_a', 1]])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(a.gone.aborted).toBe(true)
})

test('a failure of the work is passed on, and the work is forgotten', async () => {
  await expect(overtaken.watch({ id: 'run_a', seq: 0 }, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(asked).toEqual([])
})

test('looks no more after it was stopped', async () => {
  start('run_a', 0)
  overtaken.stop()
  await vi.advanceTimersByTimeAsync(5_000)
  expect([asked, vi.getTimerCount()]).toEqual([[], 0])
})

test('the sweeper is told of slow work that no queue has a job for, as long as it goes on; of other work never', async () => {
  seqs = async () =>
    new Map([
      ['run_a', 3],
      ['run_b', 1],
    ])
  const a = start('run_a', 3, true)
  start('run_b', 1)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(checked).toEqual([])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(checked.length).toBeGreaterThanOrEqual(2)
  for (const { ids, restMs } of checked) expect([ids, restMs]).toEqual([['run_a'], 1_000])
  a.end()
  await a.result
  checked.splice(0)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(checked).toEqual([])
})
