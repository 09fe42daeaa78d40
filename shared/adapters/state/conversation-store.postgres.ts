import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { toJson, toText } from '#shared/database/json.ts'
import { Citation } from '#shared/domain/answer.ts'
import type { ConversationStore, Reply } from '#shared/ports/conversation-store.ts'
import { insertRuns, newRunRows } from './run-rows.ts'

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

/** The unique run_id makes the second reply of a run impossible; whoever comes later is given the first. */
const DELIVER = `
  WITH ${insertRuns('$10')}
  INSERT INTO replies (tenant_id, id, conversation_id, ticket_id, run_id, author, body, citations, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9)
  ON CONFLICT (run_id) DO UPDATE SET run_id = replies.run_id RETURNING *`

export function createConversationStore(database: Database): ConversationStore {
  return {
    async deliver(reply, callback) {
      const { id, conversationId, ticketId, runId, author, body, citations, createdAt } = reply
      const runs = toJson(newRunRows(callback ? [callback] : []))
      const params = [id, conversationId, ticketId, runId, author, toText(body), toJson(citations), createdAt, runs]
      return toReply((await database.forTenant(reply.tenantId, DELIVER, params, 'reply-deliver'))[0])
    },
    async replyOf(tenantId, runId) {
      const rows = await database.forTenant(tenantId, 'SELECT * FROM replies WHERE tenant_id = $1 AND run_id = $2', [runId])
      return rows.length === 0 ? undefined : toReply(rows[0])
    },
  }
}

function toReply(row: unknown): Reply {
  const { tenant_id, conversation_id, ticket_id, run_id, created_at, ...rest } = ReplyRow.parse(row)
  return {
    ...rest,
    tenantId: tenant_id,
    conversationId: conversation_id,
    ticketId: ticket_id,
    runId: run_id,
    createdAt: created_at,
  }
}
