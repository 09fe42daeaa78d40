import * as z from 'zod'
import { anthropicModels } from './openai-request.ts'
import type { JsonSchema } from './schema-instance.ts'

const CacheControl = z.strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() })
const TextBlock = z.strictObject({ type: z.literal('text'), text: z.string().min(1), cache_control: CacheControl.nullish() })
const Content = z.union([z.string().min(1), z.array(TextBlock).min(1)])
const asText = (content: z.infer<typeof Content>) =>
  typeof content === 'string' ? content : content.map(({ text }) => text).join('\n')
const isCached = (content: z.infer<typeof Content>) => typeof content !== 'string' && content.some((block) => block.cache_control)

/** The part of the Messages API that a support product uses. Sampling parameters are gone from the real one, too. */
export const MessageRequest = z.strictObject({
  model: z.string(),
  max_tokens: z.int().positive(),
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: Content.transform(asText) })).min(1),
  system: Content.transform((content) => ({ text: asText(content), cached: isCached(content) })).optional(),
  cache_control: CacheControl.nullish(),
  output_config: z
    .strictObject({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      format: z.strictObject({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) }).nullish(),
    })
    .optional(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  service_tier: z.enum(['auto', 'standard_only']).optional(),
  stop_sequences: z.array(z.string()).optional(),
  stream: z.boolean().optional(),
  thinking: z.looseObject({ type: z.enum(['adaptive', 'enabled', 'disabled']) }).optional(),
})
export type MessageRequest = z.infer<typeof MessageRequest>

/** The same request without what only matters for writing a reply. */
export const CountRequest = MessageRequest.omit({
  max_tokens: true,
  stream: true,
  metadata: true,
  service_tier: true,
  stop_sequences: true,
})

export type AnthropicRefusal = { readonly status: number; readonly type: string; readonly message: string }
const invalid = (message: string): AnthropicRefusal => ({ status: 400, type: 'invalid_request_error', message })

export function refusalOfIssues({ issues }: z.ZodError): AnthropicRefusal {
  const issue = issues[0]!
  const place = issue.path.join('.')
  if (issue.code === 'unrecognized_keys')
    return invalid(`${[...issue.path, issue.keys[0]!].join('.')}: Extra inputs are not permitted`)
  if (issue.code === 'invalid_type' && issue.message.endsWith('undefined')) return invalid(`${place}: Field required`)
  return invalid(`${place}: ${issue.message}`)
}

/** What the shape alone does not show. */
export function refusalOfMessages(
  request: Pick<MessageRequest, 'model' | 'messages' | 'output_config'>,
): AnthropicRefusal | undefined {
  if (!anthropicModels().includes(request.model))
    return { status: 404, type: 'not_found_error', message: `model: ${request.model}` }
  if (request.messages[0]!.role !== 'user') return invalid('messages: first message must use the "user" role')
  if (request.messages.at(-1)!.role === 'assistant') return invalid('This model does not support assistant message prefill.')
  const problem = request.output_config?.format && unsupported(request.output_config.format.schema)
  return problem ? invalid(`output_config.format.schema: ${problem}`) : undefined
}

const BOUNDS = ['minLength', 'maxLength', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'maxItems']

function unsupported(schema: JsonSchema): string | undefined {
  const bound = BOUNDS.find((name) => name in schema)
  if (bound) return `For '${schema['type']}' type, property '${bound}' is not supported`
  if (schema['type'] === 'object' && schema['additionalProperties'] !== false) {
    return "For 'object' type, 'additionalProperties' must be explicitly set to false"
  }
  const named = ['properties', '$defs'].flatMap((key) => Object.values((schema[key] ?? {}) as Record<string, JsonSchema>))
  const inner = [
    ...named,
    ...((schema['anyOf'] ?? []) as JsonSchema[]),
    ...(schema['items'] ? [schema['items'] as JsonSchema] : []),
  ]
  for (const part of inner) {
    const problem = unsupported(part)
    if (problem) return problem
  }
  return undefined
}
