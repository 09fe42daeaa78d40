import { describe, expect, test } from 'vitest'
import { followTicket } from '#api/follow-ticket.ts'
import { createSeqWatch } from '#api/seq-watch.ts'
import type { StreamedEvent } from '#shared/domain/event.ts'
import type { Attempt } from '#shared/domain/run.ts'
import type { TokenStream } from '#shared/ports/token-stream.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { memoryTokenStream } from '#test/fakes/token-stream.memory.ts'

/** A log whose row `seq` tells of `steps[seq]` events; rows appear as the test writes them. */
function story() {
  const rows: { seq: number; events: StreamedEvent[] }[] = []
  const stream = memoryTokenStream()
  let reads = 0
  let looks = 0
  return {
    stream,
    reads: () => reads,
    looks: () => looks,
    /** One transition: into the log, and, unless told otherwise, to the followers. */
    async write(names: readonly StreamedEvent['event'][], { live = true } = {}) {
      const seq = rows.length
      const events = names.map((event, index) => ({ id: `${seq}-${index}`, event, data: { seq } }))
      rows.push({ seq, events })
      if (live) await stream.append('t', 'tkt', events)
    },
    token: (seq: number, index: number) =>
      stream.append('t', 'tkt', [{ id: `${seq}-${1_000 + index}`, event: 'token', data: {} }]),
    follow(afterId?: string, over: TokenStream = stream, pollMs = 20) {
      const stop = new AbortController()
      const runs = {
        async seqs() {
          looks++
          return new Map([['run', rows.length - 1]])
        },
      }
      const seqs = createSeqWatch(runs, recordingLog(), pollMs)
      stop.signal.addEventListener('abort', () => seqs.stop())
      const deps = {
        seqs,
        stream: over,
        eventsOf: (attempt: Attempt) => rows[attempt.seq]!.events,
        runs: {
          async attempts() {
            reads++
            return rows.map(({ seq }) => ({ seq }) as Attempt)
          },
        },
      }
      const events = followTicket(deps, { tenantId: 't', ticketId: 'tkt', runId: 'run', afterId, signal: stop.signal })
      return { stop: () => stop.abort(), ids: () => ids(events), events }
    },
  }
}

async function ids(events: AsyncIterable<StreamedEvent>): Promise<string[]> {
  const seen: string[] = []
  for await (const { id } of events) seen.push(id)
  return seen
}

const broken: TokenStream = {
  append: async () => {},
  follow: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('Redis is away')) }) }),
}

describe('following a ticket', () => {
  test('tells a finished story from the live stream, tokens included, each event once', async () => {
    const told = story()
    await told.write(['step'])
    await told.write(['step'])
    await told.token(1, 0)
    await told.token(1, 1)
    await told.write(['step', 'verdict'])
    await told.write(['step', 'answer', 'done'])
    expect(await told.follow().ids()).toEqual(['0-0', '1-0', '1-1000', '1-1001', '2-0', '2-1', '3-0', '3-1', '3-2'])
  })

  test('tells it from the log alone when the stream is empty or fails', async () => {
    const told = story()
    await told.write(['step'], { live: false })
    await told.write(['step', 'verdict'], { live: false })
    await told.write(['step', 'answer', 'done'], { live: false })
    const all = ['0-0', '1-0', '1-1', '2-0', '2-1', '2-2']
    expect(await told.follow().ids()).toEqual(all)
    expect(await told.follow(undefined, broken).ids()).toEqual(all)
  })

  test('resumes behind any event without a gap or a repeat, whatever the stream still holds', async () => {
    const told = story()
    await told.write(['step'])
    await told.write(['step'])
    await told.token(1, 0)
    await told.token(1, 1)
    await told.write(['step', 'verdict'])
    await told.write(['step', 'done'])
    const all = await told.follow().ids()
    for (const [i, id] of all.entries()) {
      if (i === all.length - 1) continue
      expect(await told.follow(id).ids()).toEqual(all.slice(i + 1))
    }
    told.stream.flush()
    const withoutTokens = all.filter((id) => Number(id.split('-')[1]) < 1_000)
    for (const id of all.slice(0, -1)) expect(await told.follow(id).ids()).toEqual(withoutTokens.filter((one) => after(one, id)))
  })

  test('fills from the log what the live stream skipped', async () => {
    const told = story()
    await told.write(['step'])
    const seen = told.follow().ids()
    await told.write(['step', 'verdict'], { live: false })
    await told.write(['step'], { live: false })
    await told.write(['step', 'done'])
    expect(await seen).toEqual(['0-0', '1-0', '1-1', '2-0', '3-0', '3-1'])
  })

  test('fills in what came between two transitions of which one reached the live stream, and what a jump inside one left out', async () => {
    const told = story()
    await told.write(['step'])
    const follower = told.follow()
    expect((await follower.events.next()).value?.id).toBe('0-0')
    await told.write(['step', 'verdict', 'escalated'], { live: false })
    await told.stream.append('t', 'tkt', [{ id: '1-2', event: 'escalated', data: {} }])
    await told.token(1, 0)
    await told.write(['step', 'done'])
    expect(await follower.ids()).toEqual(['1-0', '1-1', '1-2', '1-1000', '2-0', '2-1'])
  })

  test('goes on after the stream was emptied in the middle', async () => {
    const told = story()
    await told.write(['step'])
    const follower = told.follow()
    const first = await follower.events.next()
    expect(first.value?.id).toBe('0-0')
    told.stream.flush()
    await told.write(['step'], { live: false })
    await told.write(['step', 'done'], { live: false })
    expect(await follower.ids()).toEqual(['1-0', '2-0', '2-1'])
  })

  test('does not read the log again while nothing happens, and ends when the client goes', async () => {
    const told = story()
    await told.write(['step'])
    const follower = told.follow(undefined, told.stream, 5)
    const seen: string[] = []
    const reading = (async () => {
      for await (const { id } of follower.events) seen.push(id)
    })()
    await expect.poll(() => seen).toEqual(['0-0'])
    const [reads, looks] = [told.reads(), told.looks()]
    await expect.poll(() => told.looks()).toBeGreaterThan(looks + 10)
    expect(told.reads()).toBe(reads)
    follower.stop()
    await reading
    expect(seen).toEqual(['0-0'])
  })
})

function after(id: string, other: string): boolean {
  const [seq = 0, index = 0] = id.split('-').map(Number)
  const [otherSeq = 0, otherIndex = 0] = other.split('-').map(Number)
  return seq > otherSeq || (seq === otherSeq && index > otherIndex)
}
