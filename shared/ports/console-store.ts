import type { RunStatus } from '#shared/domain/run.ts'
import type { Lane } from '#shared/domain/ticket.ts'
import type { Usage } from '#shared/domain/usage.ts'

export type TenantFigures = {
  /** Runs of the ticket pipeline: all that are not at rest, and those that began since the given moment. */
  readonly byStatus: readonly { readonly status: RunStatus; readonly count: number }[]
  readonly openEscalations: number
  readonly openDeadLetters: number
  /** Since the given moment. */
  readonly modelCalls: number
  readonly costUsd: number
}

export type RecentTicket = {
  readonly ticketId: string
  readonly runId: string
  readonly status: RunStatus
  readonly step: string
  readonly lane: Lane
  /** As screening left them, with personal data masked; null before screening. */
  readonly subject: string | null
  readonly opening: string | null
  readonly intent: string | null
  readonly severity: string | null
  readonly costUsd: number
  readonly createdAt: Date
  readonly endedAt: Date | null
}

export type RecordedCall = {
  readonly step: string
  readonly visit: number
  readonly task: string
  readonly tier: string
  readonly promptId: string
  readonly promptVersion: number
  readonly provider: string
  readonly model: string
  /** Null when the call brought a reply. */
  readonly failureCode: string | null
  readonly usage: Usage
  readonly costUsd: number
  readonly latencyMs: number
  readonly createdAt: Date
}

/** Figures of the whole installation, for the gauges; never shown to a tenant. */
export type InstallationFigures = {
  readonly runs: readonly { readonly pipeline: string; readonly status: string; readonly count: number }[]
  /** Runs whose job should have been worked on by now: how many, and for how long the oldest has been due. */
  readonly overdue: readonly {
    readonly pipeline: string
    readonly step: string
    readonly count: number
    readonly seconds: number
  }[]
  readonly deadLetters: readonly { readonly pipeline: string; readonly step: string; readonly count: number }[]
  readonly escalations: { readonly count: number; readonly oldestSeconds: number }
}

/** What operators look at: listings and figures that no other door offers. Reads only, and nothing a customer wrote unmasked. */
export interface ConsoleStore {
  figures(tenantId: string, since: Date): Promise<TenantFigures>
  /** Latest first. */
  recentTickets(tenantId: string, filter: { readonly status?: RunStatus; readonly limit: number }): Promise<RecentTicket[]>
  /** Oldest first, failed ones included. */
  modelCalls(tenantId: string, runId: string): Promise<RecordedCall[]>
  installation(now: Date): Promise<InstallationFigures>
}
