import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assertNoEviction, redisConnections, untilReady } from '#shared/adapters/state/redis.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { hasRedis } from '#test/servers/redis.ts'
import { type QueueWorld, queueWorld } from './queue-world.ts'

test('a Redis that does not answer is an error that says what to look at, and the connection errors are in the log', async () => {
  const log = recordingLog()
  const redis = redisConnections('/nowhere/redis.sock', log).producer()
  await expect(untilReady(redis, 300)).rejects.toThrow(/did not answer within 300 ms.*REDIS_URL/)
  redis.disconnect()
  expect(log.lines[0]).toMatchObject({ level: 'debug', fields: { role: 'producer' } })
})

test('a producer’s command on a server that takes connections and never answers ends by itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mute-'))
  const server = createServer(() => {}).listen(join(folder, 'socket'))
  const redis = redisConnections(join(folder, 'socket'), recordingLog()).producer()
  await expect(untilReady(redis, 300)).rejects.toThrow(/did not answer/)
  await expect(redis.ping()).rejects.toThrow()
  redis.disconnect()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

describe.skipIf(!hasRedis)('with a real Redis (needs redis-server on PATH)', () => {
  let world: QueueWorld
  beforeAll(async () => {
    world = await queueWorld()
  })
  afterAll(() => world.close())

  test('a Redis that may evict keys is refused with the remedy; one that may not is taken', async () => {
    await assertNoEviction(world.redis)
    for (const policy of ['allkeys-lru', 'volatile-ttl']) {
      await world.redis.config('SET', 'maxmemory-policy', policy)
      await expect(assertNoEviction(world.redis)).rejects.toThrow(
        new RegExp(`maxmemory-policy ${policy}.*CONFIG SET maxmemory-policy noeviction`),
      )
    }
    await world.redis.config('SET', 'maxmemory-policy', 'noeviction')
    await assertNoEviction(world.redis)
  })

  test('while Redis is away a producer fails at once and a blocking connection waits; both come back by themselves', async () => {
    const blocking = world.connect()
    await untilReady(world.redis, 10_000)
    await blocking.ping()
    await world.server.kill9()
    await expect.poll(() => world.redis.status, { timeout: 5_000 }).not.toBe('ready')
    await expect(world.redis.ping()).rejects.toThrow()
    const waiting = blocking.ping()
    await world.server.restart('keep')
    expect(await waiting).toBe('PONG')
    await untilReady(world.redis, 10_000)
    expect(await world.redis.ping()).toBe('PONG')
  })
})
