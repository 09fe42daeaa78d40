import { expect, test } from 'vitest'
import type { StreamedEvent } from '#shared/domain/event.ts'
import type { TokenStream } from '#shared/ports/token-stream.ts'

let names = 0
/** A ticket that no other test has. */
export const newTicket = (): string => `tkt_${++names}`
export const token = (id: string, text = id): StreamedEvent => ({ id, event: 'token', data: { text } })
export const done = (id: string): StreamedEvent => ({ id, event: 'done', data: {} })

/** Everything that a follower is told until the end. */
export async function read(events: AsyncIterable<StreamedEvent>): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of events) ids.push(id)
  return ids
}

/** What every token stream promises. @param open gives the stream; called twice, two processes where there is a store to share */
export function tokenStreamContract(open: () => TokenStream): void {
  const never = () => AbortSignal.timeout(30_000)

  test('a follower is told what was told before it came, then what comes, in order, and ends with done', async () => {
    const stream = open()
    const ticket = newTicket()
    await stream.append('acme', ticket, [token('1-0', 'naïve – 日本語 🙂'), token('1-1')])
    const events: StreamedEvent[] = []
    for await (const event of stream.follow('acme', ticket, undefined, never())) {
      events.push(event)
      if (event.id === '1-1') await stream.append('acme', ticket, [token('1-10'), token('2-0'), done('3-0'), token('4-0')])
    }
    expect(events).toEqual([token('1-0', 'naïve – 日本語 🙂'), token('1-1'), token('1-10'), token('2-0'), done('3-0')])
  })

  test('what is told twice, or comes too late, is seen once or not at all', async () => {
    const stream = open()
    const ticket = newTicket()
    await stream.append('acme', ticket, [token('1-0'), token('1-1')])
    await stream.append('acme', ticket, [token('1-0'), token('1-1'), token('1-2')])
    await stream.append('acme', ticket, [token('0-9'), token('2-0'), token('1-5')])
    await stream.append('acme', ticket, [])
    await stream.append('acme', ticket, [done('3-0')])
    expect(await read(stream.follow('acme', ticket, undefined, never()))).toEqual(['1-0', '1-1', '1-2', '2-0', '3-0'])
  })

  test('a follower goes on after the event it has seen, by number and not by letter', async () => {
    const stream = open()
    const ticket = newTicket()
    await stream.append('acme', ticket, [token('1-2'), token('1-10'), token('2-0'), token('10-0'), done('11-0')])
    expect(await read(stream.follow('acme', ticket, '1-2', never()))).toEqual(['1-10', '2-0', '10-0', '11-0'])
    expect(await read(stream.follow('acme', ticket, '1-5', never()))).toEqual(['1-10', '2-0', '10-0', '11-0'])
    expect(await read(stream.follow('acme', ticket, '2-0', never()))).toEqual(['10-0', '11-0'])
  })

  test('several followers of one ticket, each from its own place, are all told everything', async () => {
    const [here, there] = [open(), open()]
    const ticket = newTicket()
    const first = [token('1-0'), token('1-1')]
    await here.append('acme', ticket, first)
    const readers = [
      read(here.follow('acme', ticket, undefined, never())),
      read(here.follow('acme', ticket, '1-0', never())),
      read(there.follow('acme', ticket, undefined, never())),
      read(there.follow('acme', ticket, '1-1', never())),
    ]
    await there.append('acme', ticket, [token('2-0'), done('3-0')])
    expect(await Promise.all(readers)).toEqual([
      ['1-0', '1-1', '2-0', '3-0'],
      ['1-1', '2-0', '3-0'],
      ['1-0', '1-1', '2-0', '3-0'],
      ['2-0', '3-0'],
    ])
  })

  test('followers of many tickets are each told of their own', async () => {
    const stream = open()
    const tickets = Array.from({ length: 30 }, newTicket)
    const readers = tickets.map((ticket) => read(stream.follow('acme', ticket, undefined, never())))
    await Promise.all(tickets.map((ticket, i) => stream.append('acme', ticket, [token(`1-${i}`), done('2-0')])))
    expect(await Promise.all(readers)).toEqual(tickets.map((_, i) => [`1-${i}`, '2-0']))
  })

  test('equal ticket ids of two tenants are two streams', async () => {
    const stream = open()
    const ticket = newTicket()
    await stream.append('acme', ticket, [token('1-0'), done('2-0')])
    const theirs = read(stream.follow('globex', ticket, undefined, never()))
    await stream.append('globex', ticket, [token('1-5'), done('2-5')])
    expect(await theirs).toEqual(['1-5', '2-5'])
  })

  test('an abort ends the wait, before and during it', async () => {
    const stream = open()
    const ticket = newTicket()
    expect(await read(stream.follow('acme', ticket, undefined, AbortSignal.abort()))).toEqual([])
    await stream.append('acme', ticket, [token('1-0')])
    const stop = new AbortController()
    const ids: string[] = []
    for await (const { id } of stream.follow('acme', ticket, undefined, stop.signal)) {
      ids.push(id)
      setImmediate(() => stop.abort())
    }
    expect(ids).toEqual(['1-0'])
  })

  test('a follower that leaves does not disturb the others', async () => {
    const stream = open()
    const ticket = newTicket()
    const stays = read(stream.follow('acme', ticket, undefined, never()))
    await stream.append('acme', ticket, [token('1-0')])
    for await (const { id } of stream.follow('acme', ticket, undefined, never())) if (id === '1-0') break
    await stream.append('acme', ticket, [done('2-0')])
    expect(await stays).toEqual(['1-0', '2-0'])
  })
}
