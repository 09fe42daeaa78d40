/** What an erasure found and did. Whoever asks again is told of what was left, and of nothing that is gone. */
export type Erasure = {
  readonly tickets: number
  /** Tickets that are still being worked on; asking again when they are at rest erases them, too. */
  readonly inProgress: number
}

/** All that is kept of one customer of one tenant. */
export interface CustomerRecords {
  /**
   * Takes words, personal data and the customer's id out of everything kept of their tickets that are at rest: messages, placeholders,
   * drafts, replies, conversations, feedback comments, handovers, model replies, cached answers. Ids, times, outcomes and costs stay,
   * so that counts do. Idempotent.
   */
  erase(tenantId: string, requesterId: string): Promise<Erasure>
}
