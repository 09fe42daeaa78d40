import type { Redis } from 'ioredis'
import * as z from 'zod'
import { type History, MAX_TURNS_AT_HAND, Turn } from '#shared/domain/conversation.ts'
import type { ConversationStore } from '#shared/ports/conversation-store.ts'

const KEEP_SECONDS = 24 * 3_600

const StoredTurn = Turn.extend({ at: z.coerce.date() })
const StoredSummary = z.object({ text: z.string(), until: z.coerce.date() })

/**
 * A store whose histories are at hand in Redis for a day after their last turn. Redis is asked first and trusted with nothing: a
 * history that is not there, or cannot be read, comes from the store behind it, and whatever Redis does not take is left out.
 * A turn is only added to a history that is there, for a part must not pass for the whole.
 */
export function createHotConversations(redis: Redis, prefix: string, store: ConversationStore): ConversationStore {
  const keyOf = (tenantId: string, id: string) =>
    `${prefix}:conversation:${encodeURIComponent(tenantId)}:${encodeURIComponent(id)}`

  const keep = async (key: string, { turns, summary }: History): Promise<void> => {
    // The head is there also where no turn is yet, so that the next ones may be added.
    const rows = [JSON.stringify(summary ?? null), ...turns.map((turn) => JSON.stringify(turn))]
    await redis
      .multi()
      .del(key)
      .rpush(key, ...rows)
      .expire(key, KEEP_SECONDS)
      .exec()
  }

  return {
    ...store,
    async deliver(reply, callback, turn) {
      const standing = await store.deliver(reply, callback, turn)
      if (turn) {
        const key = keyOf(reply.tenantId, reply.conversationId)
        const added = redis.multi().rpushx(key, JSON.stringify(turn)).expire(key, KEEP_SECONDS).exec()
        await added.catch(() => {})
      }
      return standing
    },
    async history(tenantId, conversationId) {
      const key = keyOf(tenantId, conversationId)
      const rows = await redis.lrange(key, 0, -1).catch(() => [])
      const known = historyIn(rows)
      if (known) {
        // Read whole each time, so it must stay short.
        if (rows.length > 2 * MAX_TURNS_AT_HAND) await keep(key, known).catch(() => {})
        return known
      }
      const history = await store.history(tenantId, conversationId)
      await keep(key, history).catch(() => {})
      return history
    },
    async summarise(tenantId, conversationId, summary) {
      await store.summarise(tenantId, conversationId, summary)
      await redis.lset(keyOf(tenantId, conversationId), 0, JSON.stringify(summary)).catch(() => {})
    },
  }
}

/** A delivery that was repeated may have added its turn twice. */
function historyIn(rows: readonly string[]): History | undefined {
  const [head, ...rest] = rows
  if (head === undefined) return undefined
  try {
    const summary = StoredSummary.nullable().parse(JSON.parse(head))
    const turns = new Map(rest.map((row) => StoredTurn.parse(JSON.parse(row))).map((turn) => [turn.ticketId, turn]))
    return { turns: [...turns.values()].slice(-MAX_TURNS_AT_HAND), ...(summary ? { summary } : {}) }
  } catch {
    return undefined
  }
}
