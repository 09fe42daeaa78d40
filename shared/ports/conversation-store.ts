import type { Citation } from '#shared/domain/answer.ts'
import type { NewRun } from './run-log.ts'

export type Reply = {
  readonly id: string
  readonly tenantId: string
  readonly conversationId: string
  readonly ticketId: string
  readonly runId: string
  readonly author: 'machine' | 'person'
  /** What the customer reads: personal data is in its place again. */
  readonly body: string
  readonly citations: readonly Citation[]
  readonly createdAt: Date
}

export interface ConversationStore {
  /** The one reply of a run, together with the run that calls the producer back, in one statement. Safe to repeat. @returns the reply that stands */
  deliver(reply: Reply, callback?: NewRun): Promise<Reply>
  replyOf(tenantId: string, runId: string): Promise<Reply | undefined>
}
