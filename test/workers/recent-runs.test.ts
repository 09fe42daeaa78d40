import { expect, test, vi } from 'vitest'
import { steadyClock } from '#test/fakes/clock.steady.ts'
import { memoryEngine } from '#test/fakes/engine.memory.ts'
import { sampleScreened } from '#test/fakes/sample-facts.ts'
import { createRecentRuns } from '#workers/recent-runs.ts'

const clean = { outcome: 'clean' as const, facts: { screened: sampleScreened() } }

/** A run that this process has just taken from `screen` to `recall`. */
async function screened() {
  const facts: unknown[] = []
  const world = memoryEngine({
    screen: async () => clean,
    recall: async (given) => {
      facts.push(given)
      return { outcome: 'miss', facts: { recalled: { from: 'nothing' } } } as never
    },
  })
  const run = await world.begin()
  await world.work({ runId: run.id, seq: 0 })
  const load = vi.spyOn(world.runs, 'load')
  return { world, load, facts, next: { runId: run.id, seq: 1 } }
}

test('the step after the last one is done without asking the log for what was just written', async () => {
  const { world, load, facts, next } = await screened()
  await world.work(next)
  expect(load).not.toHaveBeenCalled()
  expect(facts).toEqual([expect.objectContaining({ screened: sampleScreened() })])
})

test('a job that comes a second time, or late, finds its run in the log', async () => {
  const first = await screened()
  await first.world.work(first.next)
  await first.world.work(first.next)
  expect(first.load).toHaveBeenCalledOnce()
  const late = await screened()
  late.world.clock.advance(2_001)
  await late.world.work(late.next)
  expect(late.load).toHaveBeenCalledOnce()
})

test('what happened to the run in between stands, whatever the copy says', async () => {
  const { world, next } = await screened()
  await world.mover.move(next.runId, { kind: 'cancelled' }, 'somebody')
  await world.work(next)
  expect(world.results()).toEqual(['screen:accepted', 'screen:clean', 'recall:cancelled'])
})

test('a step that is tried again reads the log', async () => {
  const { world, load, next } = await screened()
  await world.mover.move(next.runId, { kind: 'lost' }, 'sweeper')
  load.mockClear()
  await world.work({ ...next, seq: 2 })
  expect(load).toHaveBeenCalledOnce()
})

test('a copy is nobody else’s, small, and as the database would give it', async () => {
  const clock = steadyClock()
  const run = await memoryEngine().begin()
  const recent = createRecentRuns(clock)
  const written = { note: { text: 'as it was', at: new Date(0) } }
  recent.keep({ ...run, facts: { older: 1 } }, written)
  written.note.text = 'changed by its step'
  expect(recent.take(run.id, run.seq)?.facts).toEqual({ older: 1, note: { text: 'as it was', at: '1970-01-01T00:00:00.000Z' } })
  for (const text of ['x'.repeat(100_000), 'NUL \u0000', 'half a pair \ud800']) {
    recent.keep(run, { text })
    expect(recent.take(run.id, run.seq)).toBeUndefined()
  }
  recent.keep({ ...run, facts: { ticket: 'x'.repeat(60_000) } }, { more: 'y'.repeat(30_000) })
  const almost = recent.take(run.id, run.seq)!
  recent.keep(almost, { more: 'z'.repeat(30_000) })
  expect(recent.take(run.id, run.seq)).toBeUndefined()
})

test('never more than three hundred are kept', async () => {
  const run = await memoryEngine().begin()
  const recent = createRecentRuns(steadyClock())
  for (let i = 0; i < 400; i++) recent.keep({ ...run, id: `run_${i}` }, {})
  const left = Array.from({ length: 400 }, (_, i) => recent.take(`run_${i}`, run.seq)).filter(Boolean)
  expect(left.map((kept) => kept!.id)).toEqual(Array.from({ length: 300 }, (_, i) => `run_${i + 100}`))
})
