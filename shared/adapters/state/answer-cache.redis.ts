import type { Redis } from 'ioredis'
import * as z from 'zod'
import { Answer } from '#shared/domain/answer.ts'
import { Verdict } from '#shared/domain/verdict.ts'
import type { AnswerCache } from '#shared/ports/answer-cache.ts'

const Cached = z.object({ answer: Answer, verdict: Verdict, ticketId: z.string() })

/** What cannot be read (an older form, a damaged value) is a miss: a cache may forget, never guess. */
export function createRedisAnswerCache(redis: Redis, prefix: string): AnswerCache {
  // Encoded, so that no partition can reach into another by a colon of its own.
  const keyOf = (tenantId: string, partition: string, key: string) =>
    [prefix, 'answer', ...[tenantId, partition, key].map(encodeURIComponent)].join(':')
  return {
    async get(tenantId, partition, key) {
      const json = await redis.get(keyOf(tenantId, partition, key))
      if (json === null) return undefined
      try {
        return Cached.parse(JSON.parse(json))
      } catch {
        return undefined
      }
    },
    async put(tenantId, partition, key, cached, ttlMs) {
      await redis.set(keyOf(tenantId, partition, key), JSON.stringify(cached), 'PX', ttlMs)
    },
  }
}
