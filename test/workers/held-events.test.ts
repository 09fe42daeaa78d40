import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { StreamedEvent } from '#shared/domain/event.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { holdEvents } from '#workers/held-events.ts'

const step = (seq: number): StreamedEvent => ({ id: `${seq}-0`, event: 'step', data: {} })
const RUN = { tenantId: 'acme', subjectId: 'tkt_1' }
let appended: string[][] = []
let failing = false
const log = recordingLog()
const open = () =>
  holdEvents(
    {
      append: async (_tenant, ticketId, events) => {
        if (failing) throw new Error('Redis is away')
        appended.push([ticketId, ...events.map(({ id }) => id)])
      },
      follow: () => {
        throw new Error('nobody follows')
      },
    },
    log,
  )

beforeEach(() => {
  vi.useFakeTimers()
  appended = []
  failing = false
})
afterEach(() => vi.useRealTimers())

test('what is held is told in one batch soon, or together with what comes next, and once', async () => {
  const held = open()
  held.hold(RUN, [step(1)])
  held.hold(RUN, [step(2)])
  expect(appended).toEqual([])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(appended).toEqual([['tkt_1', '1-0', '2-0']])
  held.hold(RUN, [step(3)])
  expect(held.take()).toEqual([step(3)])
  held.flush()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(appended).toHaveLength(1)
  held.hold(RUN, [step(4)])
  held.flush()
  held.flush()
  expect(appended).toEqual([
    ['tkt_1', '1-0', '2-0'],
    ['tkt_1', '4-0'],
  ])
})

test('a stream that is away is a line in the log', async () => {
  const held = open()
  failing = true
  held.hold(RUN, [step(1)])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(log.lines.filter(({ message }) => message.includes('did not take'))).toHaveLength(1)
})
