import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import { zodResponseFormat } from 'openai/helpers/zod'
import * as z from 'zod'

type JsonSchema = { readonly [key: string]: unknown }

/**
 * Bounds that not every model accepts in a strict schema (fine-tuned ones refuse all of them). They go into the description,
 * where the model can read them; the reply is parsed with the full schema anyway.
 */
const BOUNDS = new Set(
  'minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems'.split(' '),
)

const strictSchemas = new WeakMap<z.ZodType, JsonSchema>()
const plainSchemas = new WeakMap<z.ZodType, JsonSchema>()
const anthropicSchemas = new WeakMap<z.ZodType, JsonSchema>()

/**
 * JSON Schema within OpenAI's strict subset: every property required, nothing additional, no bounds.
 * @throws Error for `.optional()` without `.nullable()`, which strict mode cannot say
 */
export const strictSchemaOf = (type: z.ZodType): JsonSchema =>
  remembered(strictSchemas, type, () => boundsToDescription(zodResponseFormat(type, 'reply').json_schema.schema ?? {}))

/** JSON Schema as Anthropic's structured outputs accept it (the SDK turns bounds into descriptions). */
export const anthropicSchemaOf = (type: z.ZodType): JsonSchema =>
  remembered(anthropicSchemas, type, () => zodOutputFormat(type).schema as JsonSchema)

/** The whole JSON Schema, for a prompt. */
export const plainSchemaOf = (type: z.ZodType): JsonSchema => remembered(plainSchemas, type, () => z.toJSONSchema(type))

function remembered(memory: WeakMap<z.ZodType, JsonSchema>, type: z.ZodType, make: () => JsonSchema): JsonSchema {
  const known = memory.get(type)
  if (known) return known
  const made = make()
  memory.set(type, made)
  return made
}

function boundsToDescription(schema: JsonSchema): JsonSchema {
  const bounds: string[] = []
  const kept: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema)) {
    if (key === '$schema') continue
    if (!BOUNDS.has(key)) kept[key] = descend(key, value)
    else if (value !== Number.MAX_SAFE_INTEGER && value !== Number.MIN_SAFE_INTEGER) bounds.push(`${key}: ${value}`)
  }
  if (bounds.length > 0) kept['description'] = [kept['description'], `{${bounds.join(', ')}}`].filter(Boolean).join(' ')
  return kept
}

function descend(key: string, value: unknown): unknown {
  if (key === 'properties' || key === '$defs' || key === 'definitions') {
    return Object.fromEntries(
      Object.entries(value as JsonSchema).map(([name, inner]) => [name, boundsToDescription(inner as JsonSchema)]),
    )
  }
  if (key === 'items') return boundsToDescription(value as JsonSchema)
  if (key === 'anyOf') return (value as JsonSchema[]).map(boundsToDescription)
  return value
}
