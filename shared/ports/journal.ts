import type { Failure } from '#shared/domain/failure.ts'
import type { Usage } from '#shared/domain/usage.ts'
import type { LlmRequest, LlmTask, LlmTier } from '#shared/ports/llm.ts'

/** One model call of one visit of one step: the same key means the same question asked at the same place of the same run. */
export type JournalKey = {
  readonly tenantId: string
  readonly runId: string
  readonly step: string
  readonly visit: number
  /** SHA-256 (hex) over everything of the request that can change the reply. */
  readonly requestHash: string
}

export type JournalEntry = {
  readonly key: JournalKey
  readonly task: LlmTask | 'embed'
  readonly tier: LlmTier
  readonly prompt: LlmRequest['prompt']
  readonly customerId?: string
  readonly provider: string
  readonly model: string
  readonly usage: Usage
  readonly costUsd: number
  readonly latencyMs: number
  readonly startedAt: Date
  /** The raw reply text, or why there is none. A failed call is kept for the trace and the bill. */
  readonly result: { readonly kind: 'reply'; readonly text: string } | { readonly kind: 'failed'; readonly failure: Failure }
}
export type JournaledReply = JournalEntry & { readonly result: { readonly kind: 'reply' } }

/** The record of every model call, keyed so that a repeat after a crash is answered from it instead of being paid again. */
export interface Journal {
  /** The latest reply recorded under the key. Failures are never found: they are no answers. */
  find(key: JournalKey): Promise<JournaledReply | undefined>
  /** Resolves when every process can find the entry; it is durable with the run's next transition at the latest. Failures add up under one key; a reply replaces an earlier reply. */
  record(entry: JournalEntry): Promise<void>
}
