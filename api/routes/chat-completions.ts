import type { FastifyReply, FastifyRequest } from 'fastify'
import { eventsOf } from '#pipelines/ticket-events.ts'
import { ENDED } from '#shared/domain/run.ts'
import { type TicketAcceptor, traceIdFrom } from '../accept-ticket.ts'
import type { App } from '../app.ts'
import { type Going, streamReply, wholeReply } from '../chat-answer.ts'
import { answerAsOpenAi, ChatError, errorBody } from '../chat-error.ts'
import { CHAT_MODEL, type Chat, readChat } from '../chat-request.ts'
import type { ApiDeps, ApiLimits } from '../deps.ts'
import { followTicket } from '../follow-ticket.ts'
import { bodyHash, idempotencyKey, keyInFlight } from '../idempotency.ts'
import type { SeqWatch } from '../seq-watch.ts'
import { createHeartbeat } from '../sse.ts'

const ROUTE = 'POST /v1/chat/completions'

type ChatDeps = Pick<ApiDeps, 'runs' | 'stream' | 'mover' | 'usage' | 'log' | 'telemetry' | 'clock'>

/** OpenAI's Chat Completions, as its official clients speak them, over the same pipeline as every ticket. */
export async function chatRoutes(
  app: App,
  deps: ChatDeps,
  limits: ApiLimits,
  accept: TicketAcceptor,
  seqs: SeqWatch,
): Promise<void> {
  app.setErrorHandler(answerAsOpenAi(deps))
  modelRoutes(app)
  const heartbeat = createHeartbeat(limits.heartbeatMs)
  const stopping = new AbortController()
  app.addHook('preClose', async () => {
    heartbeat.stop()
    stopping.abort()
  })
  app.post(
    '/chat/completions',
    {
      bodyLimit: limits.maxDocumentBytes,
      config: { roles: ['ingest'], idempotency: 'own' },
      schema: { tags: ['chat'], summary: 'Ask, and wait for the proven answer (OpenAI-compatible; model "support")' },
    },
    async (request, reply) => {
      const chat = readChat(request.body)
      const going = await begin(request, chat, accept, deps)
      const gone = leaving(reply, stopping.signal)
      const follow = events(going, request, gone.signal, deps, seqs)
      try {
        if (!chat.stream) {
          if (going.replayed) reply.header('idempotency-replayed', 'true')
          return await wholeReply(follow, chat, going, request, deps)
        }
        reply.hijack()
        heartbeat.add(reply.raw)
        await streamReply(follow, chat, going, request, reply, gone.signal, deps)
      } catch (error) {
        if (!chat.stream) throw error
        breakOff(error, request, reply, deps)
      } finally {
        heartbeat.remove(reply.raw)
        gone.done()
        if (gone.byClient()) await cancel(going, request, deps)
      }
      return reply
    },
  )
}

/** The status is sent, so the stream ends with an error of its own, which the clients know. */
function breakOff(err: unknown, request: FastifyRequest, { raw }: FastifyReply, { log }: ChatDeps): void {
  log.warn({ requestId: request.id, err }, 'a chat stream broke off')
  raw.end(`data: ${JSON.stringify(errorBody(new ChatError(500, 'the stream broke off', null, 'stream_interrupted')))}\n\n`)
}

function modelRoutes(app: App): void {
  const model = { id: CHAT_MODEL, object: 'model', created: 1_767_225_600, owned_by: 'answerline' }
  const config = { roles: ['ingest', 'read'] as const }
  app.get('/models', { config, schema: { tags: ['chat'], summary: 'The models of chat completions' } }, async () => ({
    object: 'list',
    data: [model],
  }))
  app.get<{ Params: { model: string } }>(
    '/models/:model',
    { config, schema: { tags: ['chat'], summary: 'One model' } },
    async ({ params }) => {
      if (params.model === CHAT_MODEL) return model
      throw new ChatError(404, `The model '${params.model.slice(0, 100)}' does not exist`, 'model', 'model_not_found')
    },
  )
}

/** Takes the question in as a ticket; a repeat under the same key finds the ticket that the first one made. */
async function begin(request: FastifyRequest, chat: Chat, accept: TicketAcceptor, { runs }: ChatDeps): Promise<Going> {
  const key = idempotencyKey(request)
  const keyed = key === undefined ? undefined : { key, route: ROUTE, hash: bodyHash(request.body) }
  const { ticketId, runId, replayed, acceptedAt } = await accept(
    request.caller,
    chat.input,
    traceIdFrom(request.headers.traceparent),
    keyed,
    chat.history,
  )
  if (!replayed) return { ticketId, runId, createdAt: acceptedAt, replayed }
  const run = await runs.load(runId)
  if (!run || (run.status !== 'waiting' && !ENDED.includes(run.status))) throw keyInFlight()
  return { ticketId, runId, createdAt: run.createdAt, replayed }
}

function events(
  { ticketId, runId, replayed }: Going,
  { caller }: FastifyRequest,
  signal: AbortSignal,
  deps: ChatDeps,
  seqs: SeqWatch,
) {
  const followed = { tenantId: caller.tenant.id, ticketId, runId, afterId: undefined, signal, isNew: !replayed }
  return followTicket({ ...deps, seqs, eventsOf }, followed)
}

/** A client that hangs up wants no answer any more: nothing shall be spent on one. */
async function cancel({ runId }: Going, { caller, id }: FastifyRequest, { mover, log }: ChatDeps): Promise<void> {
  try {
    await mover.move(runId, { kind: 'cancelled' }, caller.actor)
  } catch (err) {
    log.warn({ requestId: id, runId, err }, 'the run of a client that hung up was not cancelled')
  }
}

/** Aborts when the client hangs up or the server stops, and knows which. */
function leaving({ raw }: FastifyReply, stopping: AbortSignal) {
  const gone = new AbortController()
  let hungUp = false
  const onClose = () => {
    hungUp = !raw.writableEnded
    gone.abort()
  }
  const onStop = () => gone.abort()
  raw.once('close', onClose)
  raw.on('error', onClose)
  stopping.addEventListener('abort', onStop)
  return {
    signal: gone.signal,
    byClient: () => hungUp,
    done(): void {
      raw.off('close', onClose)
      stopping.removeEventListener('abort', onStop)
    },
  }
}
