import type * as z from 'zod'
import type { Passage } from '#shared/domain/passage.ts'
import type { CustomerTier } from '#shared/domain/ticket.ts'
import type { Usage } from '#shared/domain/usage.ts'

export type LlmTask = 'classify' | 'generate' | 'verify' | 'judge' | 'summarise' | 'rewrite' | 'contextualise'
export type LlmTier = 'cheap' | 'standard' | 'premium'

export type LlmRequest<T = unknown> = {
  readonly task: LlmTask
  readonly tier: LlmTier
  /** Where the prompt came from; recorded with every call. */
  readonly prompt: { readonly id: string; readonly version: number; readonly hash: string }
  /** Stable across requests, so that providers can cache it. */
  readonly system: string
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: string }[]
  /** The reply must be JSON of this shape; the adapter asks for it in the provider's own way and the reply is parsed with it. */
  readonly schema: { readonly name: string; readonly type: z.ZodType<T> }
  readonly maxOutputTokens: number
  /** Whose call this is: keys the journal, carries the cost, and lets a batch find its way back. */
  readonly call: {
    readonly tenantId: string
    readonly runId: string
    readonly step: string
    readonly visit: number
    readonly customerId?: string
    readonly customerTier?: CustomerTier
    readonly conversationId?: string
  }
  /** The same matter in structured form, for adapters that do not read prose (`llm.extractive`). Never sent to a provider. */
  readonly material?: { readonly question: string; readonly passages: readonly Passage[] }
}

export type LlmReply<T = unknown> = {
  /** Parsed with `schema`. */
  readonly value: T
  /** The raw reply text: what the journal keeps. */
  readonly text: string
  readonly provider: string
  readonly model: string
  readonly usage: Usage
  /** US dollars, by the price table, cached tokens at their own price. */
  readonly costUsd: number
  readonly latencyMs: number
  /** True when a repeat was answered from the journal: it cost nothing this time. */
  readonly fromJournal: boolean
}

/** While a reply is being written: raw text as it arrives, or `restart` when what was shown so far is void. */
export type LlmDelta = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'restart'; readonly reason: string }

export type LlmOptions = {
  /** Aborts the provider call; a deadline is a signal, too. */
  readonly signal: AbortSignal
  readonly onDelta?: (delta: LlmDelta) => void
}

/**
 * A language model. Resolves with a complete, schema-valid reply or throws a `StepFailure` (or `Parked`): a stream that ended
 * early, an empty reply and a wrong shape are failures, never replies.
 */
export interface Llm {
  generate<T>(request: LlmRequest<T>, options: LlmOptions): Promise<LlmReply<T>>
  /** A cheap check that calls could succeed now; used by readiness. */
  ready(): Promise<{ readonly ok: boolean; readonly detail: string }>
}
