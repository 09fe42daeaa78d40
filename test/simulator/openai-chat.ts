import { composeReply, schemaInPrompt } from './compose-reply.ts'
import type { Exchange } from './exchange.ts'
import { ChatRequest, type Refusal, refusalOfChat, refusalOfIssues } from './openai-request.ts'
import { estimateTokens, piecesOf } from './tokens.ts'
import { type Handler, spoiled, type World } from './world.ts'

export function sendOpenAiRefusal(exchange: Exchange, world: World, { status, message, param, code }: Refusal) {
  world.meter.reject()
  exchange.json(status, { error: { message, type: 'invalid_request_error', param, code } })
}

/** POST /v1/chat/completions, streaming or not. */
export const openAiChat: Handler = async (exchange, body, world) => {
  const parsed = ChatRequest.safeParse(body)
  if (!parsed.success) return sendOpenAiRefusal(exchange, world, refusalOfIssues(parsed.error))
  const refused = refusalOfChat(parsed.data, world.localModels)
  if (refused) return sendOpenAiRefusal(exchange, world, refused)
  const request = parsed.data
  const reply = replyTo(request, exchange.fault)
  const usage = usageOf(request, reply, world)
  const head = { id: world.nextId('chatcmpl-sim'), created: Math.floor(Date.now() / 1_000), model: request.model }
  if (request.stream) await sendStream(exchange, request, reply, usage, head)
  else await sendWhole(exchange, reply, usage, head)
}

const PING = ': keep-alive\n\n'
const PIECE = '<piece>'

type Reply = { readonly text: string; readonly refusal: string | null; readonly finish: string }

function replyTo(request: ChatRequest, fault: string | undefined): Reply {
  const system = request.messages.filter(({ role }) => role === 'system' || role === 'developer').map(({ content }) => content)
  const format = request.response_format
  const schema = format?.type === 'json_schema' ? format.json_schema.schema : schemaInPrompt(system.join('\n'))
  const text = spoiled(composeReply({ system: system.join('\n'), messages: request.messages, schema }), fault)
  if (fault === 'refusal') return { text: '', refusal: "I'm sorry, but I can't help with that.", finish: 'stop' }
  if (fault === 'content_filter') return { text: text.slice(0, 8), refusal: null, finish: 'content_filter' }
  const maxTokens = request.max_completion_tokens ?? request.max_tokens ?? Number.POSITIVE_INFINITY
  const cutOff = fault === 'cut_off' || estimateTokens(text) > maxTokens
  const kept = cutOff ? text.slice(0, Math.min(4 * maxTokens, Math.floor(text.length / 2))) : text
  return { text: kept, refusal: null, finish: cutOff ? 'length' : 'stop' }
}

function usageOf(request: ChatRequest, reply: Reply, world: World) {
  const first = request.messages[0]!
  const { readTokens, writtenTokens } = world.cache.use(request.model, first.role === 'user' ? '' : first.content)
  const schemaTokens = estimateTokens(JSON.stringify(request.response_format ?? ''))
  const inputTokens = request.messages.reduce((sum, { content }) => sum + 4 + estimateTokens(content), schemaTokens)
  const outputTokens = estimateTokens(reply.text) + estimateTokens(reply.refusal ?? '')
  world.meter.bill(request.model, { inputTokens, outputTokens, cacheReadTokens: readTokens, cacheWriteTokens: writtenTokens })
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: readTokens, cache_write_tokens: writtenTokens, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  }
}
type ReplyUsage = ReturnType<typeof usageOf>
type Head = { readonly id: string; readonly created: number; readonly model: string }

async function sendWhole(exchange: Exchange, { text, refusal, finish }: Reply, usage: ReplyUsage, head: Head) {
  const message = { role: 'assistant', content: refusal === null ? text : null, refusal, annotations: [] }
  const choices = exchange.fault === 'empty_choices' ? [] : [{ index: 0, message, logprobs: null, finish_reason: finish }]
  const body = { ...head, object: 'chat.completion', choices, ...(exchange.fault !== 'no_usage' && { usage }) }
  await exchange.whole(body, usage.completion_tokens)
}

async function sendStream(
  exchange: Exchange,
  request: ChatRequest,
  { text, refusal, finish }: Reply,
  usage: ReplyUsage,
  head: Head,
) {
  const event = (body: object) => `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', ...body })}\n\n`
  const choice = (delta: object, finish_reason: string | null = null) =>
    event({ choices: [{ index: 0, delta, logprobs: null, finish_reason }] })
  const usageEvent = event({ choices: [], usage })
  const withUsage = request.stream_options?.include_usage && exchange.fault !== 'no_usage' ? [usageEvent] : []
  if (exchange.fault === 'empty_choices') return exchange.stream([], [], [...withUsage, 'data: [DONE]\n\n'], PING)
  // All of them differ in one string only.
  const [before, behind] = choice(refusal === null ? { content: PIECE } : { refusal: PIECE }).split(JSON.stringify(PIECE))
  const pieces = piecesOf(refusal ?? text).map((piece) => before + JSON.stringify(piece) + behind)
  const opening = choice({ role: 'assistant', content: '', refusal: null })
  await exchange.stream([opening], pieces, [choice({}, finish), ...withUsage, 'data: [DONE]\n\n'], PING)
}
