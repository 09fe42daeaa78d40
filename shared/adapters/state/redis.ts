import { Redis, type RedisOptions } from 'ioredis'
import type { Log } from '#shared/ports/log.ts'

/** Reconnects within 2 s at the latest: after a 20 s outage, an uncapped back-off brought workers back 19 s late. */
const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 2_000)

export type RedisConnections = {
  /** For producers, caches and limits: fails at once while Redis is away, because PostgreSQL has what matters. */
  readonly producer: () => Redis
  /** For blocking reads of workers and streams: waits for as long as it takes. */
  readonly blocking: () => Redis
}

/** @param url redis://, rediss:// or the path of a unix socket */
export function redisConnections(url: string, log: Log): RedisConnections {
  const open = (options: Omit<RedisOptions, 'replyMapping'>, role: string): Redis => {
    const common = { retryStrategy, ...options }
    const redis = new Redis(url, common)
    redis.on('error', (error) => log.debug({ role, err: error }, 'Redis connection error; reconnecting'))
    return redis
  }
  return {
    producer: () => open({ enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 5_000 }, 'producer'),
    blocking: () => open({ maxRetriesPerRequest: null }, 'blocking'),
  }
}

/**
 * A Redis that may evict keys would lose jobs without a word; BullMQ only warns about it.
 * @throws Error that says what to change
 */
export async function assertNoEviction(redis: Redis): Promise<void> {
  const info = await redis.info('memory')
  const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1]
  if (policy !== undefined && policy !== 'noeviction') {
    throw new Error(
      `Redis has maxmemory-policy ${policy} and may drop jobs; set it to noeviction (CONFIG SET maxmemory-policy noeviction) and start again.`,
    )
  }
}

/** Resolves when the connection can take commands. @throws Error when it cannot within `timeoutMs` */
export async function untilReady(redis: Redis, timeoutMs: number): Promise<void> {
  if (redis.status === 'ready') return
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`Redis did not answer within ${timeoutMs} ms; is it running, and is REDIS_URL right?`)),
      timeoutMs,
    )
    redis.once('ready', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
