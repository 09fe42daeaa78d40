import type { History, Turn } from '#shared/domain/conversation.ts'
import type { ConversationStore, Reply } from '#shared/ports/conversation-store.ts'
import type { NewRun } from '#shared/ports/run-log.ts'

/** One reply a run; `callbacks` are the runs that were begun with replies. Nobody waits for anybody here. */
export function memoryConversations(): ConversationStore & { readonly replies: Reply[]; readonly callbacks: NewRun[] } {
  const replies: Reply[] = []
  const callbacks: NewRun[] = []
  const owners = new Map<string, string>()
  const turns = new Map<string, Turn[]>()
  const summaries = new Map<string, History['summary']>()
  const nameOf = (tenantId: string, id: string) => `${tenantId} ${id}`
  return {
    replies,
    callbacks,
    async deliver(reply, callback, turn) {
      if (callback && !callbacks.some(({ id }) => id === callback.id)) callbacks.push(callback)
      const standing = replies.find(({ runId }) => runId === reply.runId)
      if (standing) return standing
      replies.push(reply)
      const name = nameOf(reply.tenantId, reply.conversationId)
      if (turn) turns.set(name, [...(turns.get(name) ?? []), turn])
      return reply
    },
    replyOf: async (tenantId, runId) => replies.find((reply) => reply.tenantId === tenantId && reply.runId === runId),
    async claim(tenantId, conversationId, requesterId) {
      const name = nameOf(tenantId, conversationId)
      if (!owners.has(name)) owners.set(name, requesterId)
      return owners.get(name) === requesterId
    },
    async history(tenantId, conversationId) {
      const name = nameOf(tenantId, conversationId)
      const summary = summaries.get(name)
      return { turns: turns.get(name) ?? [], ...(summary ? { summary } : {}) }
    },
    async summarise(tenantId, conversationId, summary) {
      summaries.set(nameOf(tenantId, conversationId), summary)
    },
    hasEarlierTurn: async () => false,
    nextWaitingTurn: async () => undefined,
  }
}
