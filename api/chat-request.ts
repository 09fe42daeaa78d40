import * as z from 'zod'
import type { SentTurn } from '#shared/domain/conversation.ts'
import { MAX_BODY_CHARACTERS, Requester, TicketInput } from '#shared/domain/ticket.ts'
import { ChatError } from './chat-error.ts'

export const CHAT_MODEL = 'support'
/** Beyond this no client can mean it: no model writes replies that long. */
const MAX_TOKENS = 128_000
/** Turns and characters of a history that a ticket carries, the latest ones; the worker's window is smaller than either. */
const MAX_TURNS = 60
const MAX_TURN_CHARACTERS = 2_000
const MAX_HISTORY_CHARACTERS = 40_000

const ROLES = ['developer', 'system', 'user', 'assistant', 'tool', 'function'] as const
const Part = z.looseObject({ type: z.string(), text: z.string().optional() })
const Message = z.looseObject({ role: z.string(), content: z.union([z.string(), z.array(Part), z.null()]).optional() })
const positive = z.int().min(1).max(MAX_TOKENS).nullish()

/** What OpenAI's clients send. What has no meaning here (temperature, seed, logit_bias …) is taken and passed over. */
export const ChatRequest = z.looseObject({
  model: z.string(),
  messages: z.array(Message).min(1).max(50_000),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: positive,
  max_completion_tokens: positive,
  n: z.int().nullish(),
  user: z.string().max(200).nullish(),
  safety_identifier: z.string().max(200).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  /** Ours: who asks, and in which conversation. */
  answerline: z
    .strictObject({
      conversationId: TicketInput.shape.conversationId,
      requester: Requester.optional(),
      subject: TicketInput.shape.subject,
    })
    .partial()
    .nullish(),
})
export type ChatRequest = z.infer<typeof ChatRequest>

export type Chat = {
  readonly input: TicketInput
  readonly history: readonly SentTurn[]
  readonly stream: boolean
  readonly includeUsage: boolean
  readonly maxTokens: number | undefined
  /** Everything the client sent as text, for its own count of tokens. */
  readonly sentText: string
}

const UNSUPPORTED: readonly (readonly [name: string, harmless: (value: unknown) => boolean, why: string])[] = [
  ['n', (value) => value === 1, 'one answer is proven and given; n must be 1'],
  ['tools', (value) => Array.isArray(value) && value.length === 0, 'the model "support" calls no tools'],
  ['functions', (value) => Array.isArray(value) && value.length === 0, 'the model "support" calls no functions'],
  [
    'response_format',
    (value) => (value as { type?: unknown }).type === 'text',
    'answers are text; response_format must be {"type": "text"}',
  ],
  ['logprobs', (value) => value === false, 'log probabilities are not available'],
  ['audio', () => false, 'answers are text'],
]

/** @throws ChatError 400, 404 in OpenAI's shape */
export function readChat(body: unknown): Chat {
  const parsed = ChatRequest.safeParse(body)
  if (!parsed.success) throw refusedShape(parsed.error.issues[0]!, body)
  const request = parsed.data
  if (request.model !== CHAT_MODEL)
    throw new ChatError(
      404,
      `The model '${request.model.slice(0, 100)}' does not exist or you do not have access to it.`,
      'model',
      'model_not_found',
    )
  for (const [name, harmless, why] of UNSUPPORTED) {
    const value = request[name] ?? undefined
    if (value !== undefined && !harmless(value)) throw new ChatError(400, why, name, 'unsupported_value')
  }
  const said = request.messages.map(sayingOf)
  const last = said.at(-1)!
  if (last.role !== 'user')
    throw new ChatError(
      400,
      'The last message must be the question, with role "user".',
      `messages[${said.length - 1}].role`,
      'invalid_value',
    )
  return {
    input: inputFrom(request, last.text, said.length - 1),
    history: historyFrom(said.slice(0, -1)),
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
    sentText: said.map(({ text }) => text).join('\n'),
  }
}

function refusedShape(issue: z.core.$ZodIssue, body: unknown): ChatError {
  const path = issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')
  const missing =
    issue.code === 'invalid_type' &&
    issue.path.reduce((at: unknown, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], body) === undefined
  const name = issue.path.length === 0 ? null : path.slice(0, 200)
  if (missing) return new ChatError(400, `Missing required parameter: '${path || 'body'}'.`, name, 'missing_required_parameter')
  const code =
    issue.code === 'too_big' ? 'integer_above_max_value' : issue.code === 'too_small' ? 'integer_below_min_value' : 'invalid_type'
  return new ChatError(
    400,
    `Invalid value for '${path}': ${issue.message}.`,
    name,
    path.endsWith('tokens') ? code : 'invalid_value',
  )
}

type Saying = { readonly role: string; readonly text: string }

function sayingOf({ role, content }: z.infer<typeof Message>, index: number): Saying {
  if (!(ROLES as readonly string[]).includes(role))
    throw new ChatError(
      400,
      `Invalid value: '${role.slice(0, 50)}'. Supported values are: ${ROLES.map((one) => `'${one}'`).join(', ')}.`,
      `messages[${index}].role`,
      'invalid_value',
    )
  if (typeof content === 'string') return { role, text: content }
  const parts = content ?? []
  const other = parts.findIndex(({ type, text }) => type !== 'text' || text === undefined)
  if (other >= 0 && role === 'user')
    throw new ChatError(400, 'Only text can be read here.', `messages[${index}].content[${other}].type`, 'unsupported_value')
  return { role, text: parts.map(({ text }) => text ?? '').join('\n') }
}

function inputFrom(request: ChatRequest, text: string, index: number): TicketInput {
  if (text.length > MAX_BODY_CHARACTERS)
    throw new ChatError(
      400,
      `The question has ${text.length} characters; ${MAX_BODY_CHARACTERS} at most.`,
      `messages[${index}].content`,
      'context_length_exceeded',
    )
  const { answerline, metadata } = request
  const userId = request.safety_identifier ?? request.user ?? undefined
  const requester = answerline?.requester ?? (userId ? { id: userId } : undefined)
  const named = answerline?.conversationId ?? metadata?.['conversation_id']
  const input = TicketInput.safeParse({
    body: text,
    channel: 'chat',
    lane: 'interactive',
    ...(answerline?.subject === undefined ? {} : { subject: answerline.subject }),
    ...(requester ? { requester } : {}),
    ...(named === undefined ? {} : { conversationId: named }),
  })
  if (input.success) return input.data
  const issue = input.error.issues[0]!
  const where =
    issue.path[0] === 'body' ? `messages[${index}].content` : issue.path[0] === 'conversationId' ? 'conversationId' : 'user'
  throw new ChatError(400, `Invalid value for '${where}': ${issue.message}.`, where, 'invalid_value')
}

/**
 * What customer and assistant said before. What a system, a developer or a tool says is no part of it: what this model may say is
 * set by the tenant's configuration and proven from its documents, not by the caller.
 */
function historyFrom(said: readonly Saying[]): SentTurn[] {
  const turns: SentTurn[] = []
  let characters = 0
  for (const { role, text } of said.toReversed()) {
    if ((role !== 'user' && role !== 'assistant') || text.trim() === '') continue
    const kept = text.slice(0, MAX_TURN_CHARACTERS).toWellFormed()
    characters += kept.length
    if (turns.length === MAX_TURNS || characters > MAX_HISTORY_CHARACTERS) break
    turns.unshift({ role: role === 'user' ? 'customer' : 'agent', text: kept })
  }
  return turns
}
