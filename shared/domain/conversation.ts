import * as z from 'zod'

/** One question and its answer, with personal data masked for good: `[EMAIL]`, without a number that could be restored. */
export const Turn = z.object({
  ticketId: z.string(),
  asked: z.string(),
  answered: z.string(),
  author: z.enum(['machine', 'person']),
  at: z.date(),
})
export type Turn = z.infer<typeof Turn>

/** What a conversation was about: the latest turns, oldest first, and what was said before them. */
export type History = {
  readonly turns: readonly Turn[]
  /** Of the turns up to `until`, as a model or a rule summarised them. */
  readonly summary?: { readonly text: string; readonly until: Date }
}
export const NO_HISTORY: History = { turns: [] }

/** No more turns than these are kept at hand, however long the conversation is. */
export const MAX_TURNS_AT_HAND = 50

/** A turn that a client sends along instead of naming a conversation; unscreened, and never trusted. */
export const SentTurn = z.object({ role: z.enum(['customer', 'agent']), text: z.string() })
export type SentTurn = z.infer<typeof SentTurn>

/** The conversation that a ticket begins when its producer names none. */
export const ownConversationId = (ticketId: string): string => ticketId.replace(/^tkt/, 'cnv')
