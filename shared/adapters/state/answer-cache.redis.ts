import type { Redis } from 'ioredis'
import * as z from 'zod'
import { Answer } from '#shared/domain/answer.ts'
import { CachedSource } from '#shared/domain/cache.ts'
import { Verdict } from '#shared/domain/verdict.ts'
import type { AnswerCache } from '#shared/ports/answer-cache.ts'

const Cached = z.object({
  answer: Answer,
  verdict: Verdict,
  ticketId: z.string(),
  sources: z.array(CachedSource),
  question: z.string(),
})
/** Of one partition; the oldest go first. */
const MAX_QUESTIONS = 10_000

/**
 * An answer is a value with a time to live, its question an entry in the partition's stream. What cannot be read (an older form,
 * a damaged value) is a miss: a cache may forget, never guess.
 */
export function createRedisAnswerCache(redis: Redis, prefix: string): AnswerCache {
  // Encoded, so that no partition can reach into another by a colon of its own.
  const nameOf = (family: string, ...parts: string[]) => [prefix, family, ...parts.map(encodeURIComponent)].join(':')
  return {
    async get(tenantId, partition, key) {
      const json = await redis.get(nameOf('answer', tenantId, partition, key))
      if (json === null) return undefined
      try {
        return Cached.parse(JSON.parse(json))
      } catch {
        return undefined
      }
    },
    async put(tenantId, partition, key, cached, ttlMs) {
      const stream = nameOf('questions', tenantId, partition)
      const work = redis.multi().set(nameOf('answer', tenantId, partition, key), JSON.stringify(cached), 'PX', ttlMs)
      if (cached.question !== '') {
        work.xadd(stream, 'MAXLEN', '~', MAX_QUESTIONS, '*', 'key', key, 'text', cached.question).pexpire(stream, ttlMs)
      }
      for (const [error] of (await work.exec()) ?? []) if (error) throw error
    },
    async questions(tenantId, partition, after, limit) {
      const entries = await redis.xrange(
        nameOf('questions', tenantId, partition),
        after === '' ? '-' : `(${after}`,
        '+',
        'COUNT',
        limit,
      )
      return entries.flatMap(([cursor, [, key, , text]]) =>
        key === undefined || text === undefined ? [] : [{ cursor, key, text }],
      )
    },
    async evict(tenantId, partition, key) {
      await redis.del(nameOf('answer', tenantId, partition, key))
    },
  }
}
