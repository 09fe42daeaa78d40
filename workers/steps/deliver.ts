import { beginRun } from '#pipelines/advance.ts'
import { sendWebhook } from '#pipelines/send-webhook.ts'
import type { Answer } from '#shared/domain/answer.ts'
import { derivedId } from '#shared/domain/id.ts'
import type { Ticket } from '#shared/domain/ticket.ts'
import type { Reply } from '#shared/ports/conversation-store.ts'
import type { NewRun } from '#shared/ports/run-log.ts'
import { keepForOthers } from '#workers/logic/cache-keep.ts'
import { restorePii } from '#workers/logic/mask-pii.ts'
import type { Step, StepContext } from '#workers/step.ts'

/** Exactly one reply: its id follows from the run, and the store holds one per run. The producer's callback is a run of its own. */
export const deliver: Step<
  'support-ticket',
  'deliver',
  'conversations' | 'dispatcher' | 'cache' | 'cacheEvidence' | 'knowledge'
> = async (facts, deps, context) => {
  const { ticket, answer, screened, recalled, verdict } = facts
  const restore = (text: string) => restorePii(text, screened?.placeholders ?? [])
  const reply = replyFrom(ticket, answer, restore(answer.text), context)
  const followUps = answer.followUps.map(restore)
  const callback = callbackFor(ticket, { ...answer, followUps }, reply, context)
  const standing = await deps.conversations.deliver(reply, callback)
  if (callback) {
    const job = {
      runId: callback.id,
      seq: 0,
      pipeline: callback.pipeline,
      step: callback.state.step,
      lane: ticket.lane,
      delayMs: 0,
      backlog: 0,
    }
    await deps.dispatcher.dispatch([job]).catch((error) => context.log.warn({ err: error }, 'the callback waits for the sweeper'))
  }
  await keepForOthers({ answer, recalled, verdict, screened }, deps, context).catch((error) =>
    context.log.warn({ err: error }, 'the answer was not cached'),
  )
  const receipt = {
    messageId: standing.id,
    deliveredAt: standing.createdAt.toISOString(),
    text: standing.body,
    citations: [...standing.citations],
    confidence: answer.confidence,
    followUps,
    ...(callback ? { webhookRunId: callback.id } : {}),
  }
  return { outcome: 'delivered', facts: { receipt } }
}

const replyFrom = (ticket: Ticket, answer: Answer, body: string, context: StepContext): Reply => ({
  id: derivedId('msg', context.runId),
  tenantId: ticket.tenantId,
  conversationId: ticket.conversationId,
  ticketId: ticket.id,
  runId: context.runId,
  author: answer.by === 'person' ? 'person' : 'machine',
  body,
  citations: answer.citations,
  createdAt: context.now,
})

function callbackFor(ticket: Ticket, answer: Answer, reply: Reply, context: StepContext): NewRun | undefined {
  const url = ticket.callbackUrl ?? context.tenant.config.webhook.url
  if (url === undefined) return undefined
  const body = JSON.stringify({
    type: 'ticket.answered',
    timestamp: reply.createdAt.toISOString(),
    data: {
      ticketId: ticket.id,
      conversationId: ticket.conversationId,
      answer: { text: reply.body, citations: reply.citations, confidence: answer.confidence, followUps: answer.followUps },
      by: reply.author,
      metadata: ticket.metadata ?? {},
    },
  })
  return {
    id: derivedId('run', context.runId, 'callback'),
    tenantId: ticket.tenantId,
    pipeline: sendWebhook.name,
    version: sendWebhook.version,
    subjectId: ticket.id,
    traceId: context.traceId,
    state: beginRun(sendWebhook, ticket.lane, context.now),
    given: { delivery: { messageId: reply.id, url, body } },
    createdAt: context.now,
  }
}
