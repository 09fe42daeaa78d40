export type UsageSum = {
  readonly calls: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number
}

export type UsageGrouping = 'customer' | 'model' | 'step' | 'day' | 'tenant'
export type UsageReport = {
  readonly totals: UsageSum & { readonly tickets: number }
  /** `group` is a customer id, `provider/model`, a step, a day (UTC, YYYY-MM-DD) or a tenant id; the costliest first, days in order. */
  readonly groups: readonly (UsageSum & { readonly group: string })[]
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

/** What model calls took, summed from the journal; failed calls count with what they cost. */
export interface UsageStore {
  ofRun(tenantId: string, runId: string): Promise<UsageSum>
  /** In order of time. */
  callsOf(tenantId: string, runId: string): Promise<CallRecord[]>
  /** @param from inclusive @param to exclusive */
  report(tenantId: string, from: Date, to: Date, by: Exclude<UsageGrouping, 'tenant'>): Promise<UsageReport>
  /** All tenants, one group each: for whoever runs the installation. */
  reportTenants(from: Date, to: Date): Promise<UsageReport>
}
