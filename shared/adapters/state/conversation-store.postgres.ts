import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { toJson, toText } from '#shared/database/json.ts'
import { Citation } from '#shared/domain/answer.ts'
import { MAX_TURNS_AT_HAND, Turn } from '#shared/domain/conversation.ts'
import type { ConversationStore, Reply } from '#shared/ports/conversation-store.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { createAesGcmSealer } from '../sealing/sealer.aes-gcm.ts'
import { insertRuns, newRunRows } from './run-rows.ts'
import { replyAt, summaryAt, turnAt } from './sealed-places.ts'

const ReplyRow = z.object({
  id: z.string(),
  tenant_id: z.string(),
  conversation_id: z.string(),
  ticket_id: z.string(),
  run_id: z.string(),
  author: z.enum(['machine', 'person']),
  body: z.string(),
  citations: z.array(Citation),
  created_at: z.date(),
})
const SummaryRow = z.object({ summary: z.string().nullable(), summary_until: z.date().nullable() })

/** The unique run_id makes the second reply of a run impossible; whoever comes later is given the first. */
const DELIVER = `
  WITH ${insertRuns('$10')}, ended_turn AS (
    INSERT INTO conversation_turns (tenant_id, ticket_id, conversation_id, asked, answered, author, created_at)
    SELECT $1::text, $4::text, $3::text, $11::text, $12::text, $6::text, $9::timestamptz WHERE $11::text IS NOT NULL
    ON CONFLICT (tenant_id, ticket_id) DO NOTHING
  )
  INSERT INTO replies (tenant_id, id, conversation_id, ticket_id, run_id, author, body, citations, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9)
  ON CONFLICT (run_id) DO UPDATE SET run_id = replies.run_id RETURNING *`

/**
 * The tickets of a conversation: those in `tickets_in_conversations`, and the one it is named after, which its own key finds.
 * @param tenant @param conversation SQL expressions
 * @param rest further conditions, an order, a limit. They stand in both parts because PostgreSQL does not push them down into a UNION, and some
 * conversations are long
 */
const ticketsOf = (tenant: string, conversation: string, rest: string) => {
  const all = `SELECT * FROM tickets WHERE tenant_id = ${tenant} AND conversation_id = ${conversation}`
  return `((${all} AND id <> 'tkt_' || substr(conversation_id, 5) ${rest}) UNION ALL (${all} AND id = 'tkt_' || substr(${conversation}, 5) ${rest}))`
}

/** One that began without a name of its own (with a ticket that named none) is its first ticket's requester's. */
const CLAIM = `
  INSERT INTO conversations AS c (tenant_id, id, requester_id, created_at)
  SELECT $1::text, $2::text, coalesce(
    (SELECT requester_id FROM ${ticketsOf('$1', '$2', 'ORDER BY created_at LIMIT 1')} t ORDER BY created_at LIMIT 1), $3::text), $4::timestamptz
  ON CONFLICT (tenant_id, id) DO UPDATE SET id = c.id RETURNING requester_id`

const TURNS = `
  SELECT ticket_id, asked, answered, author, created_at FROM conversation_turns
  WHERE tenant_id = $1 AND conversation_id = $2 ORDER BY created_at DESC, ticket_id DESC LIMIT ${MAX_TURNS_AT_HAND}`

const SUMMARISE = `
  UPDATE conversations SET summary = $3, summary_until = $4
  WHERE tenant_id = $1 AND id = $2 AND (summary_until IS NULL OR summary_until < $4)`

const EARLIER = `
  SELECT 1 FROM tickets me
  CROSS JOIN LATERAL ${ticketsOf(
    'me.tenant_id',
    'me.conversation_id',
    "AND (created_at, id) < (me.created_at, me.id) AND created_at > me.created_at - $3 * interval '1 millisecond'",
  )} t
  JOIN runs r ON r.id = t.run_id
  WHERE me.tenant_id = $1 AND me.id = $2 AND r.status IN ('queued', 'running', 'delayed', 'parked') LIMIT 1`

const NEXT_WAITING = `
  SELECT r.id, r.seq FROM ${ticketsOf('$1', '$2', "AND created_at > now() - interval '2 hours'")} t JOIN runs r ON r.id = t.run_id
  WHERE r.status = 'parked' AND r.step = 'screen'
  ORDER BY t.created_at, t.id LIMIT 1`

export function createConversationStore(database: Database, sealer: Sealer = createAesGcmSealer([])): ConversationStore {
  const toReply = (row: unknown) => openReply(sealer, row)
  return {
    async deliver(reply, callback, turn) {
      const { id, tenantId, conversationId, ticketId, runId, author, citations, createdAt } = reply
      const runs = toJson(newRunRows(callback ? [callback] : [], sealer))
      const part = (name: 'asked' | 'answered') => turn && sealer.seal(toText(turn[name]), turnAt(tenantId, ticketId, name))
      const said = [part('asked') ?? null, part('answered') ?? null]
      const body = sealer.seal(toText(reply.body), replyAt(tenantId, runId))
      const params = [id, conversationId, ticketId, runId, author, body, toJson(citations), createdAt, runs, ...said]
      return toReply((await database.forTenant(tenantId, DELIVER, params, 'reply-deliver'))[0])
    },
    async replyOf(tenantId, runId) {
      const rows = await database.forTenant(tenantId, 'SELECT * FROM replies WHERE tenant_id = $1 AND run_id = $2', [runId])
      return rows.length === 0 ? undefined : toReply(rows[0])
    },
    async claim(tenantId, conversationId, requesterId, now) {
      const params = [conversationId, requesterId, now]
      const [row] = await database.forTenant(tenantId, CLAIM, params, 'conversation-claim')
      return row?.requester_id === requesterId
    },
    async history(tenantId, conversationId) {
      const [turns, [row]] = await Promise.all([
        database.forTenant(tenantId, TURNS, [conversationId], 'conversation-turns'),
        database.forTenant(
          tenantId,
          'SELECT summary, summary_until FROM conversations WHERE tenant_id = $1 AND id = $2',
          [conversationId],
          'conversation-summary',
        ),
      ])
      const known = row && SummaryRow.parse(row)
      return {
        turns: turns.map((row) => openTurn(sealer, tenantId, row)).reverse(),
        ...(known?.summary && known.summary_until
          ? { summary: { text: sealer.open(known.summary, summaryAt(tenantId, conversationId)), until: known.summary_until } }
          : {}),
      }
    },
    async summarise(tenantId, conversationId, { text, until }) {
      await database.forTenant(tenantId, SUMMARISE, [
        conversationId,
        sealer.seal(toText(text), summaryAt(tenantId, conversationId)),
        until,
      ])
    },
    async hasEarlierTurn(tenantId, ticketId, withinMs) {
      return (await database.forTenant(tenantId, EARLIER, [ticketId, withinMs], 'conversation-earlier')).length > 0
    },
    async nextWaitingTurn(tenantId, conversationId) {
      const [row] = await database.forTenant(tenantId, NEXT_WAITING, [conversationId], 'conversation-next')
      return row && { runId: String(row.id), seq: Number(row.seq) }
    },
  }
}

function openTurn(sealer: Sealer, tenantId: string, row: Record<string, unknown>): Turn {
  const { ticketId, asked, answered, ...rest } = Turn.parse({ ...row, ticketId: row.ticket_id, at: row.created_at })
  const open = (stored: string, part: 'asked' | 'answered') => sealer.open(stored, turnAt(tenantId, ticketId, part))
  return { ...rest, ticketId, asked: open(asked, 'asked'), answered: open(answered, 'answered') }
}

function openReply(sealer: Sealer, row: unknown): Reply {
  const { tenant_id, conversation_id, ticket_id, run_id, created_at, body, ...rest } = ReplyRow.parse(row)
  return {
    ...rest,
    body: sealer.open(body, replyAt(tenant_id, run_id)),
    tenantId: tenant_id,
    conversationId: conversation_id,
    ticketId: ticket_id,
    runId: run_id,
    createdAt: created_at,
  }
}
