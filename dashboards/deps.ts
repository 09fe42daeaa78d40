import type { Queue } from 'bullmq'
import type { Role } from '#shared/domain/tenant.ts'
import type { BatchStore } from '#shared/ports/batch-store.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { ConsoleStore } from '#shared/ports/console-store.ts'
import type { ConversationStore } from '#shared/ports/conversation-store.ts'
import type { Dispatcher } from '#shared/ports/dispatcher.ts'
import type { EscalationStore } from '#shared/ports/escalation-store.ts'
import type { Log } from '#shared/ports/log.ts'
import type { RunLog } from '#shared/ports/run-log.ts'
import type { RunMover } from '#shared/ports/run-mover.ts'
import type { TenantStore } from '#shared/ports/tenant-store.ts'
import type { TicketStore } from '#shared/ports/ticket-store.ts'

/** Whoever looks: the holder of an API key. */
export type Viewer = { readonly tenantId: string; readonly roles: ReadonlySet<Role>; readonly actor: string }

export type Redriven = { readonly redriven: true } | { readonly redriven: false; readonly why: string }

export type DashboardDeps = {
  /** The API's own authentication. @returns undefined when the key is not valid, or not for that tenant */
  identify(key: string, tenantId?: string): Promise<Viewer | undefined>
  /** Durable when it resolves; what cannot be audited is not done. */
  readonly audit: TenantStore['audit']
  /** Every step's queue and the one named `dead-letter`. */
  readonly queues: readonly { readonly queue: Queue; readonly readOnly?: boolean }[]
  /** The API's own redrive of one open dead letter of this tenant. */
  redrive(deadLetterId: string, by: { readonly tenantId: string; readonly actor: string }): Promise<Redriven>
  readonly dispatcher: Pick<Dispatcher, 'depths'>
  readonly runLog: Pick<RunLog, 'load' | 'attempts' | 'deadLetters'>
  readonly escalations: Pick<EscalationStore, 'list' | 'find' | 'ofRun' | 'claim' | 'resolve'>
  readonly conversations: Pick<ConversationStore, 'replyOf'>
  readonly tickets: Pick<TicketStore, 'find'>
  readonly runMover: RunMover
  readonly consoleStore: Pick<ConsoleStore, 'figures' | 'recentTickets' | 'modelCalls'>
  readonly batches: Pick<BatchStore, 'list'>
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}
