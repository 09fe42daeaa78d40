import type * as z from 'zod'
import type { CallLimits, Task, Tier } from '#shared/domain/model-table.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { Route } from '#shared/domain/routing.ts'
import type { TenantModels } from '#shared/domain/tenant-models.ts'
import type { CustomerTier, Lane } from '#shared/domain/ticket.ts'
import type { TraceParent } from '#shared/domain/trace.ts'
import type { Usage } from '#shared/domain/usage.ts'

export type LlmTask = Task
export type LlmTier = Tier

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
    /** The run came to this visit of its step moments ago, by this very process: nobody can have asked here before. */
    readonly firstTry?: boolean
    /**
     * Takes writing that must have ended well before anything made of the reply is recorded, so that the reply itself need not
     * wait for it. Without it the reply waits.
     */
    readonly settle?: (writing: Promise<void>) => void
    /** `offline` lets the call wait for a provider batch, at half the price. Absent: now. */
    readonly lane?: Lane
    /** When the run must have ended: no wait may outlast it. */
    readonly deadlineAt?: Date
    readonly customerTier?: CustomerTier
    readonly conversationId?: string
    /** The span under which the call appears in the run's trace. */
    readonly trace?: TraceParent
    /** What the tenant has set; read by routing, never sent. */
    readonly models?: TenantModels
  }
  /** Which models to ask in which order: set by routing for the adapters below it, by nobody else. */
  readonly route?: Route
  /** The pinned model that the adapter is to ask, by the route; without one it is the adapter's own of the tier. */
  readonly model?: string
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
  /** Where the budget did not pay for the asked tier: what was used instead, and which limit said no; absent on a replay. */
  readonly lowered?: { readonly to: LlmTier | 'extractive'; readonly reason: string }
  /** Whom routing asked or passed over before the one that replied, and why; absent on a replay. */
  readonly passedOver?: readonly { readonly provider: string; readonly code: string }[]
}

/** While a reply is being written: raw text as it arrives, or `restart` when what was shown so far is void. */
export type LlmDelta = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'restart'; readonly reason: string }

export type LlmOptions = {
  /** Aborts the provider call; a deadline is a signal, too. */
  readonly signal: AbortSignal
  readonly onDelta?: (delta: LlmDelta) => void
  /** How patient to be with this call; set by routing. */
  readonly limits?: CallLimits
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
