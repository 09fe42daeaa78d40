import type { Citation } from '#shared/domain/answer.ts'
import type { History, Turn } from '#shared/domain/conversation.ts'
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
  /**
   * The one reply of a run, together with the run that calls the producer back and the turn it ends, in one statement. Safe to
   * repeat. @returns the reply that stands
   */
  deliver(reply: Reply, callback?: NewRun, turn?: Turn): Promise<Reply>
  replyOf(tenantId: string, runId: string): Promise<Reply | undefined>
  /** @returns false when the conversation is another requester's; one that is not there yet becomes this requester's */
  claim(tenantId: string, conversationId: string, requesterId: string, now: Date): Promise<boolean>
  /** The latest turns, oldest first, and the summary of those before them. */
  history(tenantId: string, conversationId: string): Promise<History>
  /** Keeps a summary of the turns up to `until`, unless one that reaches further is there. */
  summarise(tenantId: string, conversationId: string, summary: { readonly text: string; readonly until: Date }): Promise<void>
  /** Whether an earlier ticket of this ticket's conversation, not older than `withinMs`, is still being worked on. */
  hasEarlierTurn(tenantId: string, ticketId: string, withinMs: number): Promise<boolean>
  /** The first of the turns that wait for those before them. */
  nextWaitingTurn(tenantId: string, conversationId: string): Promise<{ readonly runId: string; readonly seq: number } | undefined>
}
