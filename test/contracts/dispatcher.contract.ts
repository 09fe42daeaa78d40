import { expect, test } from 'vitest'
import { type Dispatch, type Dispatcher, jobIdOf } from '#shared/ports/dispatcher.ts'

let names = 0
/** Late enough that no test sees it end, early enough that nobody takes it for the work of a wrong clock. */
const SOON_MS = 9_000

/** A job of a run that no other test has. */
export const newJob = (change: Partial<Dispatch> = {}): Dispatch => ({
  runId: `run_${++names}`,
  seq: 0,
  pipeline: 'support-ticket',
  step: 'screen',
  lane: 'standard',
  delayMs: 0,
  backlog: 0,
  ...change,
})

/** What every dispatcher promises about jobs that nobody has taken yet. @param forget what a FLUSHALL does */
export function dispatcherContract(open: () => { readonly dispatcher: Dispatcher; forget(): Promise<void> }): void {
  const heldOf = (dispatcher: Dispatcher) => async () => {
    const depths = await dispatcher.depths()
    return depths.reduce((sum, { waiting, delayed }) => sum + waiting + delayed, 0)
  }

  test('what was dispatched is held, for now or for in a moment; what was not is not', async () => {
    const { dispatcher } = open()
    const [now, later, never] = [newJob(), newJob({ delayMs: SOON_MS }), newJob()]
    await dispatcher.dispatch([now, later])
    expect(await dispatcher.held([now, later, never])).toEqual(new Set([jobIdOf(now), jobIdOf(later)]))
    expect(await dispatcher.held([{ ...now, seq: 1 }])).toEqual(new Set())
  })

  test('the same job again is the same job', async () => {
    const { dispatcher } = open()
    const count = heldOf(dispatcher)
    const job = newJob()
    const before = await count()
    await Promise.all(Array.from({ length: 10 }, () => dispatcher.dispatch([job, job])))
    expect(await count()).toBe(before + 1)
    await dispatcher.dispatch([{ ...job, seq: 1 }])
    expect(await count()).toBe(before + 2)
  })

  test('many jobs for several steps travel at once', async () => {
    const { dispatcher } = open()
    const jobs = Array.from({ length: 300 }, (_, i) =>
      newJob({ step: i % 2 ? 'screen' : 'recall', delayMs: i % 3 ? 0 : SOON_MS }),
    )
    await dispatcher.dispatch(jobs)
    expect(await dispatcher.held(jobs)).toEqual(new Set(jobs.map(jobIdOf)))
  })

  test('nothing to dispatch and nothing to ask for are fine', async () => {
    const { dispatcher } = open()
    await dispatcher.dispatch([])
    await dispatcher.mirrorDeadLetters([])
    await dispatcher.forgetDeadLetters([])
    await dispatcher.forgetDeadLetters(['dl_none'])
    expect(await dispatcher.held([])).toEqual(new Set())
  })

  test('a loss of memory is told once, and then every job is gone', async () => {
    const { dispatcher, forget } = open()
    const job = newJob()
    await dispatcher.lostMemory()
    await dispatcher.dispatch([job])
    expect(await dispatcher.lostMemory()).toBe(false)
    await forget()
    expect(await dispatcher.lostMemory()).toBe(true)
    expect(await dispatcher.lostMemory()).toBe(false)
    expect(await dispatcher.held([job])).toEqual(new Set())
  })
}
