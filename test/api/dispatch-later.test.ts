import { expect, test } from 'vitest'
import { dispatchLater } from '#api/dispatch-later.ts'
import type { Dispatch } from '#shared/ports/dispatcher.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'

const job = (n: number): Dispatch => ({
  runId: `run_${n}`,
  seq: 0,
  pipeline: 'p',
  step: 's',
  lane: 'standard',
  delayMs: 0,
  backlog: 0,
})

test('jobs of one moment travel together, one batch at a time', async () => {
  const batches: number[] = []
  let underWay = 0
  const later = dispatchLater(
    {
      async dispatch(jobs) {
        expect(++underWay).toBe(1)
        batches.push(jobs.length)
        await new Promise((resolve) => setImmediate(resolve))
        underWay--
      },
    },
    recordingLog(),
  )
  for (let i = 0; i < 700; i++) later.add(job(i))
  await later.settled()
  expect(batches).toEqual([500, 200])
})

test('a queue that hangs costs bounded memory, and what did not fit is told, not hidden', async () => {
  const log = recordingLog()
  const hang = Promise.withResolvers<void>()
  const sent: Dispatch[] = []
  const later = dispatchLater(
    {
      async dispatch(jobs) {
        await hang.promise
        sent.push(...jobs)
      },
    },
    log,
  )
  for (let i = 0; i < 15_000; i++) later.add(job(i))
  hang.resolve()
  await later.settled()
  expect(sent).toHaveLength(10_000)
  expect(log.lines).toEqual([
    { level: 'warn', fields: { jobs: 5_000 }, message: 'too many jobs waited to be dispatched; the sweeper will' },
  ])
})

test('a batch that fails does not stop the next', async () => {
  const sent: string[] = []
  let fail = true
  const later = dispatchLater(
    {
      async dispatch(jobs) {
        if (fail) throw new Error('away')
        sent.push(...jobs.map(({ runId }) => runId))
      },
    },
    recordingLog(),
  )
  later.add(job(1))
  await later.settled()
  fail = false
  later.add(job(2))
  await later.settled()
  expect(sent).toEqual(['run_2'])
})
