import type { FastifyReply, FastifyRequest } from 'fastify'
import type { StreamedEvent } from '#shared/domain/event.ts'
import { ChatError, errorBody } from './chat-error.ts'
import { type ChatEnd, chatHead, chatUsage, createChatReply } from './chat-reply.ts'
import type { Chat } from './chat-request.ts'
import type { ApiDeps } from './deps.ts'
import { overloaded } from './problem.ts'
import { STREAM_HEADERS, writeOrWait } from './sse.ts'

/** A question that was taken in as a ticket. */
export type Going = { readonly ticketId: string; readonly runId: string; readonly createdAt: Date; readonly replayed: boolean }
type Events = AsyncIterable<StreamedEvent>
type AnswerDeps = Pick<ApiDeps, 'usage'>

/** @returns the body of a reply that is not streamed. @throws Problem 503 when the server stops before the answer is there */
export async function wholeReply(follow: Events, chat: Chat, going: Going, request: FastifyRequest, deps: AnswerDeps) {
  const chatReply = createChatReply(chat.maxTokens, false)
  for await (const event of follow) {
    chatReply.take(event)
    if (chatReply.ended()) break
  }
  if (!chatReply.ended()) throw overloaded('this process is stopping; ask again', 1)
  const end = chatReply.end()
  const message = { role: 'assistant', content: end.text, refusal: null }
  return {
    ...chatHead(going.ticketId, going.createdAt, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: end.cut ? 'length' : 'stop' }],
    usage: chatUsage(chat.sentText, end.text),
    answerline: await ours(end, going, request, deps),
  }
}

/** Server-sent chunks to the end, at the pace of their reader. */
export async function streamReply(
  follow: Events,
  chat: Chat,
  going: Going,
  request: FastifyRequest,
  reply: FastifyReply,
  signal: AbortSignal,
  deps: AnswerDeps,
): Promise<void> {
  const { raw } = reply
  raw.writeHead(200, {
    'x-request-id': request.id,
    ...(going.replayed ? { 'idempotency-replayed': 'true' } : {}),
    ...STREAM_HEADERS,
  })
  const head = chatHead(going.ticketId, going.createdAt, 'chat.completion.chunk')
  const usage = chat.includeUsage ? { usage: null } : {}
  const chunk = (delta: object, finishReason: string | null = null, more: object = {}) =>
    `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }], ...usage, ...more })}\n\n`
  raw.write(chunk({ role: 'assistant', content: '', refusal: null }))
  const chatReply = createChatReply(chat.maxTokens)
  for await (const event of follow) {
    const text = chatReply.take(event)
    if (text !== '') await writeOrWait(raw, chunk({ content: text }), signal)
    if (chatReply.ended()) break
  }
  if (!chatReply.ended()) {
    raw.end(
      `data: ${JSON.stringify(errorBody(new ChatError(503, 'this process is stopping; ask again', null, 'overloaded')))}\n\n`,
    )
    return
  }
  const end = chatReply.end()
  raw.write(chunk({}, end.cut ? 'length' : 'stop', { answerline: await ours(end, going, request, deps) }))
  if (chat.includeUsage)
    raw.write(`data: ${JSON.stringify({ ...head, choices: [], usage: chatUsage(chat.sentText, end.text) })}\n\n`)
  raw.end('data: [DONE]\n\n')
}

/** What OpenAI's protocol has no place for. */
async function ours(end: ChatEnd, { ticketId, runId }: Going, { caller }: FastifyRequest, { usage }: AnswerDeps) {
  const { status, citations, verdict, confidence, followUps, escalation } = end
  const spent = await usage.ofRun(caller.tenant.id, runId)
  return { ticketId, runId, status, citations, verdict, confidence, followUps, escalation, usage: spent }
}
