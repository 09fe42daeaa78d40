import type { Redis } from 'ioredis'
import * as z from 'zod'
import { Answer } from '#shared/domain/answer.ts'
import { CachedSource } from '#shared/domain/cache.ts'
import { Verdict } from '#shared/domain/verdict.ts'
import type { AnswerCache } from '#shared/ports/answer-cache.ts'
import { answerCacheScripts } from './answer-cache-scripts.ts'

const Cached = z.object({
  answer: Answer,
  verdict: Verdict,
  ticketId: z.string(),
  sources: z.array(CachedSource),
  question: z.string(),
})
/** Of one partition; the oldest go first. */
const MAX_QUESTIONS = 10_000
/** That cite one document; those whose time is over soonest go first, for what is not listed could not be removed with its document. */
const MAX_CITING = 10_000
/** Removed in one go: Redis does nothing else meanwhile. */
const FORGET_PAGE = 500

/**
 * An answer is a value with a time to live, its question an entry in the partition's stream, and each document it cites lists it. What
 * cannot be read (an older form, a damaged value) is a miss: a cache may forget, never guess.
 */
export function createRedisAnswerCache(redis: Redis, prefix: string, maxCiting = MAX_CITING): AnswerCache {
  // Encoded, so that no partition can reach into another by a colon of its own.
  const nameOf = (family: string, ...parts: string[]) => [prefix, family, ...parts.map(encodeURIComponent)].join(':')
  const prefixesOf = (tenantId: string) => [nameOf('answer', tenantId, ''), nameOf('questions', tenantId, '')]
  const scripts = answerCacheScripts(redis)
  return {
    async get(tenantId, partition, key) {
      const stored = await redis.get(nameOf('answer', tenantId, partition, key))
      if (stored === null) return undefined
      try {
        return Cached.parse(JSON.parse(stored.slice(stored.indexOf('\n') + 1)))
      } catch {
        return undefined
      }
    },
    async put(tenantId, partition, key, cached, ttlMs) {
      const { sources, question } = cached
      const names = [nameOf('answer', tenantId, partition, key), nameOf('questions', tenantId, partition)]
      const citing = sources.map(({ documentId }) => nameOf('cites', tenantId, documentId))
      const members = sources.map(({ contentHash }) => [contentHash, partition, key].map(encodeURIComponent).join(':'))
      const limits = [MAX_QUESTIONS, maxCiting, ...prefixesOf(tenantId)]
      const keys = [...names, ...citing]
      await scripts.putAnswer(keys.length, ...keys, JSON.stringify(cached), ttlMs, question, key, ...limits, ...members)
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
      await scripts.evictAnswer(nameOf('answer', tenantId, partition, key), nameOf('questions', tenantId, partition))
    },
    async forgetDocument(tenantId, documentId, keepHash) {
      const citing = nameOf('cites', tenantId, documentId)
      const keep = keepHash === undefined ? '' : encodeURIComponent(keepHash)
      let [passed, more] = [0, 1]
      while (more === 1) {
        ;[passed, more] = await scripts.forgetDocument(citing, keep, ...prefixesOf(tenantId), passed, FORGET_PAGE)
      }
    },
  }
}
