import * as z from 'zod'
import type { PlainSchema } from '#shared/domain/extract-schema.ts'

/**
 * What a model is held to: the shape of a user's schema. Bounds are checked afterwards, and what is optional may be null, for
 * strict modes of providers know no optional properties.
 */
export function extractType(schema: PlainSchema): z.ZodType {
  const type = shapeOf(schema)
  return schema.description === undefined ? type : type.describe(schema.description)
}

function shapeOf(schema: PlainSchema): z.ZodType {
  if (schema.const !== undefined) return z.literal(schema.const)
  if (schema.enum) return listed(schema.enum)
  if (schema.anyOf) return anyOf(schema.anyOf.map(extractType))
  if (typeof schema.type === 'object') return anyOf(schema.type.map((type) => shapeOf({ ...schema, type })))
  switch (schema.type) {
    case 'object':
      return objectOf(schema)
    case 'array':
      return z.array(extractType(schema.items ?? { type: 'string' }))
    case 'number':
    case 'integer':
      return z.number()
    case 'boolean':
      return z.boolean()
    case 'null':
      return z.null()
    default:
      return z.string()
  }
}

const listed = (values: NonNullable<PlainSchema['enum']>): z.ZodType =>
  values.every((value) => typeof value === 'string')
    ? z.enum(values as [string, ...string[]])
    : anyOf(values.map((value) => (value === null ? z.null() : z.literal(value))))

const anyOf = (types: readonly z.ZodType[]): z.ZodType =>
  types.length === 1 ? types[0]! : z.union(types as unknown as readonly [z.ZodType, z.ZodType])

const objectOf = ({ properties = {}, required = [] }: PlainSchema): z.ZodType =>
  z.object(
    Object.fromEntries(
      Object.entries(properties).map(([name, inner]) => {
        const type = extractType(inner)
        return [name, required.includes(name) ? type : type.nullable()]
      }),
    ),
  )
