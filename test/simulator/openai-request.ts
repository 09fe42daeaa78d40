import * as z from 'zod'
import { LIST_PRICES } from '#shared/domain/price.ts'
import type { JsonSchema } from './schema-instance.ts'

const TextPart = z.strictObject({ type: z.literal('text'), text: z.string() })
const Content = z.union([z.string(), z.array(TextPart).min(1)]).transform((content) => {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('')
})
const ResponseFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
      description: z.string().optional(),
      strict: z.boolean().nullish(),
      schema: z.record(z.string(), z.unknown()),
    }),
  }),
])

/** The part of Chat Completions that a support product uses; anything else is refused rather than silently ignored. */
export const ChatRequest = z.strictObject({
  model: z.string(),
  messages: z
    .array(
      z.strictObject({
        role: z.enum(['developer', 'system', 'user', 'assistant']),
        content: Content,
        name: z.string().optional(),
      }),
    )
    .min(1),
  max_completion_tokens: z.int().positive().nullish(),
  max_tokens: z.int().positive().nullish(),
  response_format: ResponseFormat.optional(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().optional() }).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  n: z.literal(1).nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  user: z.string().optional(),
  store: z.boolean().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_retention: z.enum(['in_memory', '24h']).nullish(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).nullish(),
  safety_identifier: z.string().nullish(),
  service_tier: z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast']).nullish(),
  verbosity: z.enum(['low', 'medium', 'high']).nullish(),
})
export type ChatRequest = z.infer<typeof ChatRequest>

export const EmbeddingRequest = z.strictObject({
  model: z.string(),
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(2_048)]),
  dimensions: z.int().positive().optional(),
  encoding_format: z.enum(['float', 'base64']).optional(),
  user: z.string().optional(),
})

const PRICED = new Set(LIST_PRICES.map(({ model }) => model))
export const isEmbeddingModel = (model: string) => model.startsWith('text-embedding-')
export const openAiChatModels = () => [...PRICED].filter((model) => model.startsWith('gpt-'))
export const anthropicModels = () => [...PRICED].filter((model) => model.startsWith('claude-'))
export const openAiEmbeddingModels = () => [...PRICED].filter(isEmbeddingModel)

export type Refusal = {
  readonly status: number
  readonly message: string
  readonly param: string | null
  readonly code: string | null
}
export const refusal = (status: number, message: string, param: string | null = null, code: string | null = null): Refusal => ({
  status,
  message,
  param,
  code,
})
export const unknownModel = (model: string) =>
  refusal(404, `The model \`${model}\` does not exist or you do not have access to it.`, null, 'model_not_found')

/** The first thing the real API would complain about. */
export function refusalOfIssues({ issues }: z.ZodError): Refusal {
  const issue = issues[0]!
  const param = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const name = [...issue.path, issue.keys[0]!].join('.')
    return refusal(400, `Unknown parameter: '${name}'.`, name, 'unknown_parameter')
  }
  if (issue.code === 'invalid_type' && issue.message.endsWith('undefined')) {
    return refusal(400, `Missing required parameter: '${param}'.`, param, 'missing_required_parameter')
  }
  return refusal(400, `Invalid value for '${param}': ${issue.message}`, param, 'invalid_value')
}

/** What the shape alone does not show. */
export function refusalOfChat(request: ChatRequest, localModels: ReadonlySet<string>): Refusal | undefined {
  const local = localModels.has(request.model)
  if (!local && !openAiChatModels().includes(request.model)) return unknownModel(request.model)
  if (!local && request.max_tokens) {
    const hint = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    return refusal(400, `Unsupported parameter: ${hint}`, 'max_tokens', 'unsupported_parameter')
  }
  if (request.stream_options && !request.stream) {
    return refusal(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", 'stream_options')
  }
  const format = request.response_format
  if (format?.type === 'json_object' && !request.messages.some(({ content }) => /json/i.test(content))) {
    return refusal(400, "'messages' must contain the word 'json' to use 'response_format' of type 'json_object'.", 'messages')
  }
  if (format?.type !== 'json_schema' || format.json_schema.strict !== true) return undefined
  const problem = looseObject(format.json_schema.schema)
  const { name } = format.json_schema
  return problem === undefined
    ? undefined
    : refusal(400, `Invalid schema for response_format '${name}': ${problem}`, 'response_format', null)
}

/** Strict mode: every object is closed and requires all it names. */
export function looseObject(schema: JsonSchema, place: readonly string[] = []): string | undefined {
  const context = `In context=(${place.map((part) => `'${part}'`).join(', ')})`
  const properties = schema['properties'] as Record<string, JsonSchema> | undefined
  if (schema['type'] === 'object') {
    if (schema['additionalProperties'] !== false)
      return `${context}, 'additionalProperties' is required to be supplied and to be false.`
    const missing = Object.keys(properties ?? {}).find((name) => !((schema['required'] as string[]) ?? []).includes(name))
    if (missing)
      return `${context}, 'required' is required to be supplied and to be an array including every key. Missing '${missing}'.`
  }
  const named = ['properties', '$defs', 'definitions'].flatMap((key) =>
    Object.entries((schema[key] ?? {}) as Record<string, JsonSchema>),
  )
  const choices = ((schema['anyOf'] ?? []) as JsonSchema[]).map((choice, i) => [String(i), choice] as const)
  const items = schema['items'] ? [['items', schema['items'] as JsonSchema] as const] : []
  for (const [name, inner] of [...named, ...choices, ...items]) {
    const problem = looseObject(inner, [...place, name])
    if (problem) return problem
  }
  return undefined
}
