import { type AnthropicRefusal, CountRequest, MessageRequest, refusalOfIssues, refusalOfMessages } from './anthropic-request.ts'
import { composeReply } from './compose-reply.ts'
import type { Exchange } from './exchange.ts'
import { estimateTokens, piecesOf } from './tokens.ts'
import { type Handler, spoiled, type World } from './world.ts'

export function sendAnthropicRefusal(exchange: Exchange, world: World, { status, type, message }: AnthropicRefusal) {
  world.meter.reject()
  exchange.json(status, { type: 'error', error: { type, message }, request_id: world.nextId('req_sim') })
}

/** POST /v1/messages, streaming or not. */
export const anthropicMessages: Handler = async (exchange, body, world) => {
  const parsed = MessageRequest.safeParse(body)
  if (!parsed.success) return sendAnthropicRefusal(exchange, world, refusalOfIssues(parsed.error))
  const refused = refusalOfMessages(parsed.data)
  if (refused) return sendAnthropicRefusal(exchange, world, refused)
  const request = parsed.data
  const reply = replyTo(request, exchange.fault)
  const usage = usageOf(request, reply, world)
  const head = { id: world.nextId('msg_sim'), type: 'message', role: 'assistant', model: request.model }
  if (request.stream) await sendStream(exchange, reply, usage, head)
  else await sendWhole(exchange, reply, usage, head)
}

/** POST /v1/messages/count_tokens */
export const anthropicCountTokens: Handler = (exchange, body, world) => {
  const parsed = CountRequest.safeParse(body)
  if (!parsed.success) return sendAnthropicRefusal(exchange, world, refusalOfIssues(parsed.error))
  const refused = refusalOfMessages(parsed.data)
  if (refused) return sendAnthropicRefusal(exchange, world, refused)
  exchange.json(200, { input_tokens: inputTokensOf(parsed.data) })
}

type Reply = { readonly text: string; readonly stop: string; readonly details: object | null }

function replyTo(request: MessageRequest, fault: string | undefined): Reply {
  const schema = request.output_config?.format?.schema
  const composed = composeReply({ system: request.system?.text ?? '', messages: request.messages, schema })
  const text = spoiled(composed, fault)
  if (fault === 'refusal' || fault === 'content_filter') {
    const details = { type: 'refusal', category: null, explanation: 'The simulated model declined.' }
    return { text: fault === 'refusal' ? '' : text.slice(0, 8), stop: 'refusal', details }
  }
  const cutOff = fault === 'cut_off' || estimateTokens(text) > request.max_tokens
  const kept = cutOff ? text.slice(0, Math.min(4 * request.max_tokens, Math.floor(text.length / 2))) : text
  return { text: kept, stop: cutOff ? 'max_tokens' : 'end_turn', details: null }
}

function inputTokensOf({
  system,
  messages,
  output_config,
}: Pick<MessageRequest, 'system' | 'messages' | 'output_config'>): number {
  const said = messages.reduce((sum, { content }) => sum + 4 + estimateTokens(content), 0)
  return said + estimateTokens(system?.text ?? '') + estimateTokens(JSON.stringify(output_config ?? ''))
}

function usageOf(request: MessageRequest, reply: Reply, world: World) {
  const cached = request.system?.cached || request.cache_control ? (request.system?.text ?? '') : ''
  const { readTokens, writtenTokens } = world.cache.use(request.model, cached)
  const inputTokens = inputTokensOf(request)
  const outputTokens = estimateTokens(reply.text)
  world.meter.bill(request.model, { inputTokens, outputTokens, cacheReadTokens: readTokens, cacheWriteTokens: writtenTokens })
  return {
    input_tokens: inputTokens - readTokens - writtenTokens,
    output_tokens: outputTokens,
    cache_creation_input_tokens: writtenTokens,
    cache_read_input_tokens: readTokens,
    cache_creation: { ephemeral_5m_input_tokens: writtenTokens, ephemeral_1h_input_tokens: 0 },
    service_tier: 'standard',
  }
}
type ReplyUsage = ReturnType<typeof usageOf>

async function sendWhole(exchange: Exchange, { text, stop, details }: Reply, usage: ReplyUsage, head: object) {
  const content = exchange.fault === 'empty_choices' || text === '' ? [] : [{ type: 'text', text, citations: null }]
  const ending = { stop_reason: stop, stop_sequence: null, stop_details: details }
  await exchange.whole({ ...head, content, ...ending, ...(exchange.fault !== 'no_usage' && { usage }) }, usage.output_tokens)
}

async function sendStream(exchange: Exchange, { text, stop, details }: Reply, usage: ReplyUsage, head: object) {
  const event = (type: string, body: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...body })}\n\n`
  const ping = event('ping', {})
  const counted = exchange.fault !== 'no_usage'
  const message = { ...head, content: [], stop_reason: null, stop_sequence: null, stop_details: null }
  const started = event('message_start', { message: { ...message, ...(counted && { usage: { ...usage, output_tokens: 1 } }) } })
  const delta = { stop_reason: stop, stop_sequence: null, stop_details: details }
  const end = [
    event('message_delta', { delta, ...(counted && { usage: { output_tokens: usage.output_tokens } }) }),
    event('message_stop', {}),
  ]
  if (exchange.fault === 'empty_choices' || text === '') return exchange.stream([started], [], end, ping)
  const block = event('content_block_start', { index: 0, content_block: { type: 'text', text: '', citations: null } })
  const pieces = piecesOf(text).map((piece) =>
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: piece } }),
  )
  await exchange.stream([started, block, ping], pieces, [event('content_block_stop', { index: 0 }), ...end], ping)
}
