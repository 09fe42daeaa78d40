export type UsageSum = {
  readonly calls: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Parts of the input that the provider had cached, or wrote to its cache; each has its own price. */
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly costUsd: number
}

export type UsageGrouping = 'customer' | 'model' | 'step' | 'day' | 'tenant'
export type UsageReport = {
  readonly totals: UsageSum & { readonly tickets: number }
  /**
   * `group` is a customer id, `provider/model`, a step, a day (UTC, YYYY-MM-DD) or a tenant id, or several of them, in the order
   * asked for; `keys` names each. Days in order, else the costliest first.
   */
  readonly groups: readonly (UsageSum & {
    readonly group: string
    readonly keys: Readonly<Partial<Record<UsageGrouping, string>>>
  })[]
}
/** Only calls of this customer, this `provider/model`, this step. */
export type UsageFilter = { readonly customer?: string; readonly model?: string; readonly step?: string }

/** Why a call was not paid for as asked: which limit, what it had left, and what was done instead. */
export type BudgetRefusalRecord = {
  readonly step: string
  readonly visit: number
  readonly purpose: string
  readonly tier: string | null
  readonly reason: string
  readonly createdAt: Date
}

export type CallRecord = {
  readonly step: string
  readonly visit: number
  readonly task: string
  readonly tier: string
  readonly prompt: { readonly id: string; readonly version: number; readonly hash: string }
  readonly provider: string
  readonly model: string
  readonly failureCode: string | null
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly costUsd: number
  readonly latencyMs: number
  readonly createdAt: Date
}

/**
 * What model calls took, summed from the journal, and embeddings, summed from the budget's rows; failed calls count with what they
 * cost.
 */
export interface UsageStore {
  ofRun(tenantId: string, runId: string): Promise<UsageSum>
  /** In order of time. */
  callsOf(tenantId: string, runId: string): Promise<CallRecord[]>
  /** @param from inclusive @param to exclusive */
  report(tenantId: string, from: Date, to: Date, by: readonly UsageGrouping[], filter?: UsageFilter): Promise<UsageReport>
  /** Where the budget sent a run down the ladder, in order of time. */
  refusalsOf(tenantId: string, runId: string): Promise<BudgetRefusalRecord[]>
  /** All tenants, one group each: for whoever runs the installation. */
  reportTenants(from: Date, to: Date): Promise<UsageReport>
}
