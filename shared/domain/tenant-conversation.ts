import * as z from 'zod'

/** When followers are shown the sentences of a reply that is being written. */
export const TenantStreaming = z
  .strictObject({
    /** before: each when its own checks are passed · after: at once, and taken back with a `restart` when the proof fails */
    verify: z.enum(['before', 'after']).default('before'),
  })
  .prefault({})

/** How much of a conversation goes with its next question. */
export const TenantConversations = z
  .strictObject({
    /** Tokens of the latest turns, word for word; what is older is summarised. */
    windowTokens: z.int().min(0).max(16_000).default(1_200),
    summaryTokens: z.int().min(0).max(2_000).default(250),
    /** How long a turn waits for those before it. */
    maxWaitSeconds: z.int().min(1).max(3_600).default(120),
  })
  .prefault({})
