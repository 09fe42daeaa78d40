import * as z from 'zod'
import { SentTurn } from './conversation.ts'

export const MAX_BODY_CHARACTERS = 20_000

/** PostgreSQL cannot hold NUL in text, and a lone surrogate is not a character: both are refused at the door, by name. */
export const wellFormed = (text: string) => !text.includes('\u0000') && text.isWellFormed()
const text = (max: number) => z.string().max(max).refine(wellFormed, 'must be well-formed Unicode without NUL characters')

export const Lane = z.enum(['interactive', 'standard', 'offline'])
export type Lane = z.infer<typeof Lane>

export const Channel = z.enum(['email', 'web', 'chat', 'api', 'phone', 'social'])
export const CustomerTier = z.enum(['free', 'standard', 'enterprise'])
export type CustomerTier = z.infer<typeof CustomerTier>

export const Requester = z.strictObject({
  id: text(200).min(1),
  email: text(320).optional(),
  name: text(200).optional(),
  tier: CustomerTier.optional(),
})
export type Requester = z.infer<typeof Requester>

/** What a producer sends to `POST /v1/tickets`. */
export const TicketInput = z.strictObject({
  subject: text(500).optional(),
  body: text(MAX_BODY_CHARACTERS).refine((body) => body.trim().length > 0, 'must not be empty'),
  channel: Channel.optional(),
  requester: Requester.optional(),
  conversationId: text(100)
    .regex(/^[A-Za-z0-9_.:-]+$/, 'may hold letters, digits and _ . : - only')
    .optional(),
  lane: Lane.optional(),
  callbackUrl: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional(),
  metadata: z
    .record(text(100), z.union([text(1_000), z.number(), z.boolean(), z.null()]))
    .refine((all) => Object.keys(all).length <= 50, 'holds more than 50 entries')
    .optional(),
})
export type TicketInput = z.infer<typeof TicketInput>

/** The ticket as the pipeline is given it. Holds what the customer wrote, unmasked: never log it, never send it to a model. */
export const Ticket = z.object({
  id: z.string(),
  tenantId: z.string(),
  conversationId: z.string(),
  subject: z.string(),
  body: z.string(),
  channel: Channel,
  requester: Requester,
  tier: CustomerTier,
  lane: Lane,
  callbackUrl: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  receivedAt: z.iso.datetime(),
  /** Turns that the client sent along; what it says of them is only believed as context. */
  history: z.array(SentTurn).optional(),
})
export type Ticket = z.infer<typeof Ticket>

/** The public state of a ticket, a function of its run. */
export const TicketStatus = z.enum(['accepted', 'processing', 'escalated', 'answered', 'closed', 'cancelled', 'dead'])
export type TicketStatus = z.infer<typeof TicketStatus>
