import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRedisTokenStream } from '#shared/adapters/state/token-stream.redis.ts'
import type { StreamedEvent } from '#shared/domain/event.ts'
import { hasRedis, startRedis, type TestRedis } from '#test/servers/redis.ts'

let server: TestRedis
let redis: Redis
let stream: ReturnType<typeof createRedisTokenStream>

beforeAll(async () => {
  if (!hasRedis) return
  server = await startRedis()
  redis = new Redis(server.socket)
  stream = createRedisTokenStream(redis, new Redis(server.socket), 'test')
})
afterAll(async () => {
  stream?.close()
  redis?.disconnect()
  await server?.stop()
})

const token = (id: string, text = id): StreamedEvent => ({ id, event: 'token', data: { text } })
const done: StreamedEvent = { id: '9-0', event: 'done', data: { status: 'answered' } }

/** Everything a follower is told until the ticket is done. */
async function told(ticketId: string, afterId?: string): Promise<StreamedEvent[]> {
  const events: StreamedEvent[] = []
  for await (const event of stream.follow('acme', ticketId, afterId, AbortSignal.timeout(20_000))) events.push(event)
  return events
}

const needsRedis = test.skipIf(!hasRedis)

needsRedis('events come in their order, with what they hold (needs Redis)', async () => {
  await stream.append('acme', 'order', [token('1-0', 'Größe "1"'), token('1-1')])
  await stream.append('acme', 'order', [token('2-0'), done])
  expect(await told('order')).toEqual([token('1-0', 'Größe "1"'), token('1-1'), token('2-0'), done])
  expect(await told('order', '1-1')).toEqual([token('2-0'), done])
})

needsRedis('an event that is told twice shows once, and does not keep a newer one behind it out (needs Redis)', async () => {
  await stream.append('acme', 'twice', [token('1-0'), token('2-0')])
  await stream.append('acme', 'twice', [token('1-0', 'again'), token('2-0', 'again'), token('3-0'), done])
  expect(await told('twice')).toEqual([token('1-0'), token('2-0'), token('3-0'), done])
})

needsRedis('other errors of Redis are not swallowed (needs Redis)', async () => {
  await redis.set('test:stream:acme:wrong', 'not a stream')
  await expect(stream.append('acme', 'wrong', [token('1-0')])).rejects.toThrow('WRONGTYPE')
})

needsRedis('a stream goes away by itself, and Redis may forget the script (needs Redis)', async () => {
  await redis.script('FLUSH')
  await stream.append('acme', 'gone', [token('1-0')])
  const seconds = await redis.ttl('test:stream:acme:gone')
  expect(seconds).toBeGreaterThan(3_000)
  expect(seconds).toBeLessThanOrEqual(3_600)
})
