import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAesGcmSealer } from '#shared/adapters/sealing/sealer.aes-gcm.ts'
import { createRedisTokenStream } from '#shared/adapters/state/token-stream.redis.ts'
import type { StreamedEvent } from '#shared/domain/event.ts'
import { done, newTicket, read, token, tokenStreamContract } from '#test/contracts/token-stream.contract.ts'
import { memoryTokenStream } from '#test/fakes/token-stream.memory.ts'
import { hasRedis } from '#test/servers/redis.ts'
import { type QueueWorld, queueWorld } from './queue-world.ts'

const sealer = createAesGcmSealer([randomBytes(32)])

describe('in memory', () => {
  const stream = memoryTokenStream()
  tokenStreamContract(() => stream)
})

describe.skipIf(!hasRedis)('with a real Redis (needs redis-server on PATH)', () => {
  let world: QueueWorld
  const opened: { close(): void }[] = []
  beforeAll(async () => {
    world = await queueWorld()
  })
  afterAll(async () => {
    for (const stream of opened) stream.close()
    await world.close()
  })
  const open = (prefix = 'test') => {
    const stream = createRedisTokenStream(world.redis, world.connect(), prefix, sealer)
    opened.push(stream)
    return stream
  }
  const never = () => AbortSignal.timeout(30_000)
  const connections = async () => Number(/connected_clients:(\d+)/.exec(await world.redis.info('clients'))?.[1])

  tokenStreamContract(open)

  test('what a requester is told is sealed in Redis and in what is published, where a ticket stands is not', async () => {
    const stream = open('sealed')
    const ticket = newTicket()
    const heard: string[] = []
    const listener = world.connect()
    await listener.subscribe(`sealed:stream:acme:${ticket}`)
    listener.on('message', (_channel, message) => heard.push(message))
    await stream.append('acme', ticket, [{ id: '1-0', event: 'step', data: { step: 'screen' } }])
    await stream.append('acme', ticket, [{ id: '2-0', event: 'token', data: { text: 'Dear Margaret' } }])
    await stream.append('acme', ticket, [done('3-0')])
    const events = []
    for await (const event of stream.follow('acme', ticket, undefined, never())) events.push(event)
    expect(events.map(({ id, data }) => [id, data['text']])).toEqual([
      ['1-0', undefined],
      ['2-0', 'Dear Margaret'],
      ['3-0', undefined],
    ])
    await expect.poll(() => heard.length, { timeout: 20_000 }).toBe(3)
    const kept = JSON.stringify([await world.redis.xrange(`sealed:stream:acme:${ticket}`, '-', '+'), heard])
    expect(kept).not.toContain('Margaret')
    expect(kept).toContain('screen')
  })

  test('followers of one and of many tickets share one connection', async () => {
    const stream = open()
    const tickets = Array.from({ length: 20 }, newTicket)
    await world.redis.ping()
    const before = await connections()
    const readers = tickets.flatMap((ticket) => [
      read(stream.follow('acme', ticket, undefined, never())),
      read(stream.follow('acme', ticket, undefined, never())),
    ])
    await Promise.all(tickets.map((ticket) => stream.append('acme', ticket, [token('1-0')])))
    expect(await connections()).toBeLessThanOrEqual(before + 1)
    await Promise.all(tickets.map((ticket) => stream.append('acme', ticket, [done('2-0')])))
    expect(new Set((await Promise.all(readers)).map(String))).toEqual(new Set(['1-0,2-0']))
  })

  test('more than one reading can carry reaches a follower whole', async () => {
    const stream = open()
    const ticket = newTicket()
    const many = Array.from({ length: 1_700 }, (_, i) => token(`1-${i}`))
    for (let from = 0; from < many.length; from += 100) await stream.append('acme', ticket, many.slice(from, from + 100))
    const reader = read(stream.follow('acme', ticket, undefined, never()))
    await stream.append('acme', ticket, [done('2-0')])
    expect(await reader).toEqual([...many.map(({ id }) => id), '2-0'])
  })

  test('what it stores goes away by itself', async () => {
    const ticket = newTicket()
    await open().append('acme', ticket, [token('1-0')])
    const ttl = await world.redis.ttl(`test:stream:acme:${ticket}`)
    expect(ttl).toBeGreaterThan(3_000)
    expect(ttl).toBeLessThanOrEqual(3_600)
  })

  test('an entry that cannot be read is passed over, and everybody is told what comes after it', async () => {
    const stream = open()
    const [damaged, sound] = [newTicket(), newTicket()]
    await stream.append('acme', damaged, [token('1-0')])
    const key = `test:stream:acme:${damaged}`
    for (let i = 5; i < 405; i++) await world.redis.xadd(key, `2-${i}`, 'b', i % 2 === 0 ? '{not json' : '[{"id":"x"}]')
    const readers = [damaged, sound].map((ticket) => read(stream.follow('acme', ticket, undefined, never())))
    await stream.append('acme', sound, [token('1-0'), done('2-0')])
    expect(await readers[1]).toEqual(['1-0', '2-0'])
    await world.redis.publish(key, '{not json')
    await stream.append('acme', damaged, [done('2-0')])
    expect(await readers[0]).toEqual(['1-0', '2-0'])
  })

  test('a reader that does not read costs a bounded queue, and misses nothing when it comes back', async () => {
    const stream = open()
    const ticket = newTicket()
    const events = stream.follow('acme', ticket, undefined, never())[Symbol.asyncIterator]()
    await stream.append('acme', ticket, [token('1-0')])
    expect((await events.next()).value?.id).toBe('1-0')
    const long = 'x'.repeat(2_000)
    for (let i = 1; i <= 300; i++) await stream.append('acme', ticket, [token(`1-${i}`, long)])
    await stream.append('acme', ticket, [done('2-0')])
    const seen: string[] = []
    for (let next = await events.next(); !next.done; next = await events.next()) seen.push(next.value.id)
    expect(seen).toEqual([...Array.from({ length: 300 }, (_, i) => `1-${i + 1}`), '2-0'])
  })

  test('a value that is no stream is an error for the writer, not silence', async () => {
    const ticket = newTicket()
    await world.redis.set(`test:stream:acme:${ticket}`, 'x')
    await expect(open().append('acme', ticket, [token('1-0')])).rejects.toThrow(/WRONGTYPE/)
  })

  test('followers outlive a Redis that crashes and comes back empty', async () => {
    const stream = open()
    const ticket = newTicket()
    const seen: StreamedEvent[] = []
    const follower = (async () => {
      for await (const event of stream.follow('acme', ticket, undefined, never())) seen.push(event)
    })()
    await stream.append('acme', ticket, [token('1-0')])
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(1)
    await world.server.kill9()
    await expect.poll(() => world.redis.status, { timeout: 5_000 }).not.toBe('ready')
    await expect(stream.append('acme', ticket, [token('1-1')])).rejects.toThrow()
    await world.server.restart('empty')
    await expect.poll(() => world.redis.status, { timeout: 10_000 }).toBe('ready')
    await stream.append('acme', ticket, [token('2-0'), done('3-0')])
    await follower
    expect(seen.map(({ id }) => id)).toEqual(['1-0', '2-0', '3-0'])
  })
})
