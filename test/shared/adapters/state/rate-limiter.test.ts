import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLocalRateLimiter } from '#shared/adapters/state/rate-limiter.local.ts'
import { createRedisRateLimiter } from '#shared/adapters/state/rate-limiter.redis.ts'
import type { RateLimiter } from '#shared/ports/rate-limiter.ts'
import { rateLimiterContract } from '#test/contracts/rate-limiter.contract.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { hasRedis, startRedis } from '#test/servers/redis.ts'

const local = createLocalRateLimiter()
rateLimiterContract('local', () => local)

describe.skipIf(!hasRedis)('with a real Redis (needs redis-server on PATH)', () => {
  let server: Awaited<ReturnType<typeof startRedis>>
  let redis: Redis
  let limiter: RateLimiter
  beforeAll(async () => {
    server = await startRedis()
    redis = new Redis({ path: server.socket, enableOfflineQueue: false, maxRetriesPerRequest: 1, retryStrategy: () => 50 })
    redis.on('error', () => {})
    await new Promise((resolve) => redis.once('ready', resolve))
    limiter = createRedisRateLimiter(redis, 'test', { log: recordingLog() })
  })
  afterAll(async () => {
    redis.disconnect()
    await server.stop()
  })

  rateLimiterContract('redis', () => limiter)

  test('requests of one tick travel in one round trip', async () => {
    const before = await commandCalls(redis)
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => limiter.take([{ key: `tick-${i}`, limit: 5, windowMs: 60_000, cost: 1 }], new Date())),
    )
    expect((await commandCalls(redis)) - before).toBe(1)
  })

  test('two processes share a limit', async () => {
    const other = createRedisRateLimiter(redis, 'test', { log: recordingLog() })
    const limit = { key: 'shared', limit: 10, windowMs: 60_000, cost: 1 }
    const now = new Date()
    const decisions = await Promise.all(Array.from({ length: 30 }, (_, i) => (i % 2 ? limiter : other).take([limit], now)))
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(10)
  })

  test('far from its limit nobody waits for Redis, and what was granted is told soon after', async () => {
    const limit = { key: 'far', limit: 16_000, windowMs: 60_000, cost: 1 }
    const now = new Date()
    const before = await commandCalls(redis)
    for (let n = 0; n < 300; n++) expect(await limiter.take([limit], now)).toMatchObject({ allowed: true, remaining: 15_999 - n })
    expect((await commandCalls(redis)) - before).toBeLessThan(30)
    await expect.poll(() => redis.hget('test:limit:far', 'c')).toBe('300')
  })

  test('one process keeps to a limit exactly, whatever it grants without asking', async () => {
    const limit = { key: 'exact', limit: 200, windowMs: 60_000, cost: 1 }
    const now = new Date()
    let allowed = 0
    for (let tick = 0; tick < 60; tick++) {
      const decisions = await Promise.all(Array.from({ length: 10 }, () => limiter.take([limit], now)))
      allowed += decisions.filter((decision) => decision.allowed).length
    }
    expect(allowed).toBe(200)
  })

  test('several processes run ahead of a shared limit by a sixteenth each at most', async () => {
    const others = Array.from({ length: 3 }, () => createRedisRateLimiter(redis, 'test', { log: recordingLog() }))
    const limit = { key: 'ahead', limit: 320, windowMs: 60_000, cost: 1 }
    const now = new Date()
    let allowed = 0
    for (let tick = 0; tick < 200; tick++)
      for (const each of [limiter, ...others]) if ((await each.take([limit], now)).allowed) allowed++
    expect(allowed).toBeGreaterThanOrEqual(320)
    expect(allowed).toBeLessThanOrEqual(320 + 4 * 20)
    for (const each of [limiter, ...others]) expect((await each.take([limit], now)).allowed).toBe(false)
  })

  test('what it stores goes away by itself', async () => {
    await limiter.take([{ key: 'brief', limit: 10, windowMs: 1_000, cost: 1 }], new Date())
    const ttl = await redis.pttl('test:limit:brief')
    expect(ttl).toBeGreaterThan(0)
    expect(ttl).toBeLessThanOrEqual(2_000)
  })

  test('without Redis the same limits hold within the process, and the log says so once', async () => {
    const away = new Redis({
      path: `${server.socket}-nobody`,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => 1_000,
    })
    away.on('error', () => {})
    const log = recordingLog()
    const alone = createRedisRateLimiter(away, 'test', { log })
    const limit = { key: 'alone', limit: 7, windowMs: 60_000, cost: 1 }
    const wide = { ...limit, key: 'wide', limit: 700 }
    const now = new Date()
    const decisions = await Promise.all(Array.from({ length: 20 }, () => alone.take([limit], now)))
    const wider = await Promise.all(Array.from({ length: 1_000 }, () => alone.take([wide], now)))
    away.disconnect()
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(7)
    expect(wider.filter(({ allowed }) => allowed)).toHaveLength(700)
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
  })
})

/** How often scripts ran, by Redis' own count. */
async function commandCalls(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats')
  const count = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
  return count('evalsha') + count('eval')
}
