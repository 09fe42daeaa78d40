import * as z from 'zod'
import { Answer, Handover, Recalled } from '#shared/domain/answer.ts'
import type { Run, RunStatus } from '#shared/domain/run.ts'
import { Screened } from '#shared/domain/screened.ts'
import { Ticket, TicketStatus } from '#shared/domain/ticket.ts'
import { Verdict } from '#shared/domain/verdict.ts'
import type { Reply } from '#shared/ports/conversation-store.ts'
import type { Escalation } from '#shared/ports/escalation-store.ts'
import type { UsageSum } from '#shared/ports/usage-store.ts'
import { ticketLinks } from './accept-ticket.ts'
import { Moment } from './schemas.ts'

const STATUS: Readonly<Record<RunStatus, TicketStatus>> = {
  queued: 'accepted',
  running: 'processing',
  delayed: 'processing',
  parked: 'processing',
  waiting: 'escalated',
  answered: 'answered',
  closed: 'closed',
  done: 'closed',
  dead: 'dead',
  cancelled: 'cancelled',
}
export const ticketStatus = (run: Pick<Run, 'status'>): TicketStatus => STATUS[run.status]

export const TicketView = z.object({
  ticketId: z.string(),
  runId: z.string(),
  status: TicketStatus,
  ticket: z.object({
    id: z.string(),
    conversationId: z.string(),
    /** Null until screening has masked it, for roles that see it masked. */
    subject: z.string().nullable(),
    body: z.string().nullable(),
    channel: z.string(),
    requester: z.object({
      id: z.string(),
      email: z.string().optional(),
      name: z.string().optional(),
      tier: z.string().optional(),
    }),
    lane: z.string(),
    metadata: z.record(z.string(), z.unknown()).nullable(),
    receivedAt: Moment,
  }),
  answer: z
    .object({
      text: z.string(),
      citations: z.array(
        z.object({ n: z.int(), documentId: z.string(), title: z.string(), url: z.string().nullable(), quote: z.string() }),
      ),
      confidence: z.number(),
      followUps: z.array(z.string()),
      by: z.string(),
      deliveredAt: Moment,
    })
    .nullable(),
  verdict: z
    .object({
      decision: z.string(),
      claims: z.array(z.object({ text: z.string(), supported: z.boolean(), citations: z.array(z.int()), reason: z.string() })),
    })
    .nullable(),
  escalation: z
    .object({
      id: z.string(),
      reason: z.string(),
      severity: z.string(),
      summary: z.string(),
      /** What the customer was told, in the customer's language. */
      message: z.string().nullable(),
      createdAt: Moment,
      expiresAt: Moment,
      claimedBy: z.string().nullable(),
      resolution: z.string().nullable(),
    })
    .nullable(),
  usage: z.object({
    inputTokens: z.int(),
    outputTokens: z.int(),
    cacheReadTokens: z.int(),
    cacheWriteTokens: z.int(),
    costUsd: z.number(),
    calls: z.int(),
    cache: z.enum(['hit', 'miss', 'none']),
  }),
  links: z.record(z.string(), z.string()),
  createdAt: Moment,
  updatedAt: Moment,
})
export type TicketView = z.infer<typeof TicketView>

type Parts = {
  readonly run: Run
  readonly reply: Reply | undefined
  readonly escalation: Escalation | undefined
  readonly usage: UsageSum
  readonly raw: boolean
}

/** The public picture of a ticket. There is an answer only when it was delivered: nothing unproven or unsent is shown as one. */
export function ticketView({ run, reply, escalation, usage, raw }: Parts): TicketView {
  const facts = Facts.parse(run.facts)
  return {
    ticketId: run.subjectId,
    runId: run.id,
    status: ticketStatus(run),
    ticket: messageView(facts.ticket, facts.screened, raw),
    answer: reply && facts.answer ? answerView(reply, facts.answer) : null,
    verdict: facts.verdict
      ? {
          decision: facts.verdict.decision,
          claims: facts.verdict.claims.map(({ text, supported, citations, reason }) => ({ text, supported, citations, reason })),
        }
      : null,
    escalation: escalation ? escalationSummary(escalation, facts.handover?.message) : null,
    usage: { ...usage, cache: facts.recalled ? (facts.recalled.hit ? 'hit' : 'miss') : 'none' },
    links: ticketLinks(run.subjectId, run.id),
    createdAt: run.createdAt.toISOString(),
    updatedAt: run.updatedAt.toISOString(),
  }
}

/** The engine writes null over facts that a redrive makes void. */
const Facts = z.object({
  ticket: Ticket,
  screened: Screened.nullish(),
  recalled: Recalled.nullish(),
  verdict: Verdict.nullish(),
  answer: Answer.nullish(),
  handover: Handover.nullish(),
})

function messageView(ticket: Ticket, screened: Screened | null | undefined, raw: boolean): TicketView['ticket'] {
  const { id, conversationId, channel, lane, receivedAt } = ticket
  const plain = { id, conversationId, channel, lane, receivedAt }
  if (raw) {
    const { subject, body, requester, metadata } = ticket
    return { ...plain, subject, body, requester, metadata: metadata ?? null }
  }
  return {
    ...plain,
    subject: screened?.subject ?? null,
    body: screened?.text ?? null,
    requester: { id: ticket.requester.id },
    metadata: null,
  }
}

function answerView(reply: Reply, answer: Answer): NonNullable<TicketView['answer']> {
  return {
    text: reply.body,
    citations: reply.citations.map(({ n, documentId, title, url, quote }) => ({ n, documentId, title, url: url ?? null, quote })),
    confidence: answer.confidence,
    followUps: answer.followUps,
    by: answer.by,
    deliveredAt: reply.createdAt.toISOString(),
  }
}

function escalationSummary(escalation: Escalation, message: string | undefined): NonNullable<TicketView['escalation']> {
  const { id, reason, severity, summary, claimedBy, resolution } = escalation
  const [createdAt, expiresAt] = [escalation.createdAt.toISOString(), escalation.expiresAt.toISOString()]
  return { id, reason, severity, summary, message: message ?? null, createdAt, expiresAt, claimedBy, resolution }
}
