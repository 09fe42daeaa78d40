import type { ConversationStore, Reply } from '#shared/ports/conversation-store.ts'
import type { NewRun } from '#shared/ports/run-log.ts'

/** One reply a run; `callbacks` are the runs that were begun with replies. */
export function memoryConversations(): ConversationStore & { readonly replies: Reply[]; readonly callbacks: NewRun[] } {
  const replies: Reply[] = []
  const callbacks: NewRun[] = []
  return {
    replies,
    callbacks,
    async deliver(reply, callback) {
      if (callback && !callbacks.some(({ id }) => id === callback.id)) callbacks.push(callback)
      const standing = replies.find(({ runId }) => runId === reply.runId)
      if (standing) return standing
      replies.push(reply)
      return reply
    },
    replyOf: async (tenantId, runId) => replies.find((reply) => reply.tenantId === tenantId && reply.runId === runId),
  }
}
