import type { Answer } from '#shared/domain/answer.ts'
import type { Verdict } from '#shared/domain/verdict.ts'

export type CachedAnswer = { readonly answer: Answer; readonly verdict: Verdict; readonly ticketId: string }

/** Proven answers by exact question. A partition (tenant, knowledge version, locale, audience) is a wall, not a filter. */
export interface AnswerCache {
  get(tenantId: string, partition: string, key: string): Promise<CachedAnswer | undefined>
  put(tenantId: string, partition: string, key: string, answer: CachedAnswer, ttlMs: number): Promise<void>
}
