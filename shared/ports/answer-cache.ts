import type { Answer } from '#shared/domain/answer.ts'
import type { CachedSource } from '#shared/domain/cache.ts'
import type { Verdict } from '#shared/domain/verdict.ts'

export type CachedAnswer = {
  readonly answer: Answer
  readonly verdict: Verdict
  readonly ticketId: string
  /** The documents that the answer cites, each in the version that was cited. */
  readonly sources: readonly CachedSource[]
  /** Masked, subject and text: what other questions are compared with. Empty where only the very same question may hit. */
  readonly question: string
}
export type CachedQuestion = { readonly key: string; readonly text: string; readonly cursor: string }

/** Proven answers by question. A partition (tenant, knowledge version, locale, audience, prompt) is a wall, not a filter. */
export interface AnswerCache {
  get(tenantId: string, partition: string, key: string): Promise<CachedAnswer | undefined>
  put(tenantId: string, partition: string, key: string, answer: CachedAnswer, ttlMs: number): Promise<void>
  /** Questions of a partition in the order they were put, beginning behind `after` (or with the oldest that is kept). */
  questions(tenantId: string, partition: string, after: string, limit: number): Promise<readonly CachedQuestion[]>
  /** Answer and question. After that nobody is answered with it again, in any process. */
  evict(tenantId: string, partition: string, key: string): Promise<void>
  /** Evicts, in all partitions, what cites this document in another version than `keepHash`; in any, without one. */
  forgetDocument(tenantId: string, documentId: string, keepHash?: string): Promise<void>
}
