export type JsonSchema = { readonly [key: string]: unknown }

/** A small valid instance of a JSON Schema: first enum value, empty lists, shortest texts. Bounds may also stand in the description. */
export function instanceOf(schema: JsonSchema, root: JsonSchema = schema): unknown {
  if (typeof schema['$ref'] === 'string') return instanceOf(resolve(schema['$ref'], root), root)
  if ('const' in schema) return schema['const']
  if (Array.isArray(schema['enum'])) return schema['enum'][0]
  const choice = (schema['anyOf'] ?? schema['oneOf'] ?? schema['allOf']) as JsonSchema[] | undefined
  if (choice) return instanceOf(choice[0]!, root)
  const type = Array.isArray(schema['type']) ? schema['type'][0] : schema['type']
  if (type === 'object') return objectOf(schema, root)
  if (type === 'array') {
    return Array.from({ length: bound(schema, 'minItems') ?? 0 }, () => instanceOf((schema['items'] ?? {}) as JsonSchema, root))
  }
  if (type === 'string') return textOf(schema)
  if (type === 'number' || type === 'integer') return numberOf(schema, type === 'integer' ? 1 : 0.5)
  return type === 'boolean' ? false : null
}

function objectOf(schema: JsonSchema, root: JsonSchema) {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)
  return Object.fromEntries(properties.map(([name, inner]) => [name, instanceOf(inner, root)]))
}

function textOf(schema: JsonSchema): string {
  if (schema['format'] === 'date-time') return '2026-01-01T00:00:00Z'
  if (schema['format'] === 'date') return '2026-01-01'
  if (schema['format'] === 'email') return 'simulated@example.com'
  if (schema['format'] === 'uri') return 'https://example.com/'
  const text = 'simulated'.padEnd(bound(schema, 'minLength') ?? 0, '.')
  return text.slice(0, bound(schema, 'maxLength') ?? text.length)
}

function numberOf(schema: JsonSchema, step: number): number {
  const above = bound(schema, 'exclusiveMinimum')
  const least = above === undefined ? bound(schema, 'minimum') : above + step
  const most = bound(schema, 'maximum')
  return least ?? (most !== undefined && most < 0 ? most : 0)
}

/** Strict modes allow no bounds, so adapters write them as `{minItems: 1}` into the description. */
function bound(schema: JsonSchema, name: string): number | undefined {
  if (typeof schema[name] === 'number') return schema[name]
  const description = typeof schema['description'] === 'string' ? schema['description'] : ''
  const at = description.search(new RegExp(`[{ ]${name}: `))
  return at < 0 ? undefined : Number.parseFloat(description.slice(at + name.length + 3))
}

function resolve(reference: string, root: JsonSchema): JsonSchema {
  let found: unknown = root
  for (const part of reference.replace(/^#\/?/, '').split('/')) {
    if (part) found = (found as JsonSchema | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return (found ?? {}) as JsonSchema
}
