import type { Redis } from 'ioredis'

/** The keys of the whole Redis in whose names or values, of any type, one of the words stands. */
export async function keysHolding(redis: Redis, words: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const key of await redis.keys('*')) {
    const text = `${key} ${JSON.stringify(await contentOf(redis, key))}`
    if (words.some((word) => text.includes(word))) found.push(key)
  }
  return found.sort()
}

async function contentOf(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key)
  if (type === 'string') return redis.get(key)
  if (type === 'hash') return redis.hgetall(key)
  if (type === 'list') return redis.lrange(key, 0, -1)
  if (type === 'set') return redis.smembers(key)
  if (type === 'zset') return redis.zrange(key, '0', '-1', 'WITHSCORES')
  if (type === 'stream') return redis.xrange(key, '-', '+')
  if (type === 'none') return undefined
  throw new TypeError(`${key} is a ${type}: teach this test to read it`)
}
