import type { AnswerCache, CachedAnswer } from '#shared/ports/answer-cache.ts'

/** `fail` makes it behave like one whose Redis is away. */
export function memoryAnswerCache(): AnswerCache & { readonly entries: Map<string, CachedAnswer>; fail: boolean } {
  const entries = new Map<string, CachedAnswer>()
  const asked = new Map<string, { key: string; text: string; cursor: string }[]>()
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
      const log = asked.get(nameOf(tenantId, partition)) ?? []
      asked.set(nameOf(tenantId, partition), log)
      if (answer.question !== '') log.push({ key, text: answer.question, cursor: String(log.length + 1).padStart(12, '0') })
    },
    async questions(tenantId: string, partition: string, after: string, limit: number) {
      check()
      return (asked.get(nameOf(tenantId, partition)) ?? []).filter(({ cursor }) => cursor > after).slice(0, limit)
    },
    async evict(tenantId: string, partition: string, key: string) {
      check()
      entries.delete(nameOf(tenantId, partition, key))
    },
    async forgetDocument(tenantId: string, documentId: string, keepHash?: string) {
      check()
      for (const [name, { sources }] of entries) {
        const cites = sources.some((one) => one.documentId === documentId && one.contentHash !== keepHash)
        if (cites && JSON.parse(name)[0] === tenantId) entries.delete(name)
      }
    },
  }
  return cache
}
