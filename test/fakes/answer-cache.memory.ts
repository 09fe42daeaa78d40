import type { AnswerCache, CachedAnswer } from '#shared/ports/answer-cache.ts'

/** `fail` makes it behave like one whose Redis is away. */
export function memoryAnswerCache(): AnswerCache & { readonly entries: Map<string, CachedAnswer>; fail: boolean } {
  const entries = new Map<string, CachedAnswer>()
  const nameOf = (...parts: string[]) => JSON.stringify(parts)
  const check = () => {
    if (cache.fail) throw new Error('connect ECONNREFUSED')
  }
  const cache = {
    entries,
    fail: false,
    async get(tenantId: string, partition: string, key: string) {
      check()
      return entries.get(nameOf(tenantId, partition, key))
    },
    async put(tenantId: string, partition: string, key: string, answer: CachedAnswer) {
      check()
      entries.set(nameOf(tenantId, partition, key), answer)
    },
  }
  return cache
}
