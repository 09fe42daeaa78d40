import { Ajv, type ValidateFunction } from 'ajv'
import * as z from 'zod'

/**
 * The part of JSON Schema that a model can be held to and that can be checked against a document: objects with named properties,
 * arrays, scalars, `enum`, `const`, `anyOf`, bounds, and `$ref` within the schema, which is resolved here.
 */
export type PlainSchema = {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, PlainSchema>>
  readonly required?: readonly string[]
  readonly items?: PlainSchema
  readonly enum?: readonly (string | number | boolean | null)[]
  readonly const?: string | number | boolean | null
  readonly anyOf?: readonly PlainSchema[]
  readonly description?: string
}

const SCALARS = ['string', 'number', 'integer', 'boolean', 'null']
const TYPES = new Set([...SCALARS, 'object', 'array'])
const BOUNDS = ['minLength', 'maxLength', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']
const LISTS = ['minItems', 'maxItems', 'uniqueItems']
const NOTES = ['title', 'description', 'format']
const KEPT = new Set(['type', 'required', 'enum', 'const', 'additionalProperties', ...BOUNDS, ...LISTS, ...NOTES])
const DROPPED = new Set(['$schema', '$id', '$defs', 'definitions', '$comment', 'default', 'examples'])
const RESERVED = new Set(['__proto__', 'constructor', 'prototype'])
/** Resolved: a small schema can refer to itself into a huge one. */
const MAX_NODES = 500
const MAX_DEPTH = 10

type Json = { readonly [key: string]: unknown }
class Unfit extends Error {}
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

type Walk = { readonly root: Json; nodes: number }

/**
 * @returns the schema without references
 * @throws TypeError that says what is wrong and where: invalid, recursive, remote, or beyond what can be checked
 */
export function resolveSchema(schema: Json): PlainSchema {
  const plain = resolve(schema, '#', [], { root: schema, nodes: 0 })
  if (plain['type'] !== 'object') throw new Unfit('#: must be of type "object"')
  try {
    compile(plain)
  } catch (error) {
    throw new Unfit(`is no valid JSON Schema: ${(error as Error).message}`)
  }
  return plain as PlainSchema
}

function resolve(node: unknown, path: string, open: readonly string[], walk: Walk): Json {
  if (!isObject(node)) throw new Unfit(`${path}: must be an object`)
  if (++walk.nodes > MAX_NODES) throw new Unfit(`is too large with its references followed: ${MAX_NODES} parts are the most`)
  if (path.split('/').length > 2 * MAX_DEPTH) throw new Unfit(`is nested too deep: ${MAX_DEPTH} levels are the most`)
  if ('$ref' in node) return resolveReference(node['$ref'], path, open, walk)
  const plain: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(node)) {
    if (DROPPED.has(key)) continue
    if (key === 'properties') plain[key] = properties(value, path, open, walk)
    else if (key === 'items') plain[key] = resolve(value, `${path}/items`, open, walk)
    else if (key === 'anyOf') plain[key] = choices(value, path, open, walk)
    else if (KEPT.has(key)) plain[key] = value
    else throw new Unfit(`${path}: the keyword "${key}" is not supported`)
  }
  assertFit(plain, path)
  return plain
}

function resolveReference(reference: unknown, path: string, open: readonly string[], walk: Walk): Json {
  if (typeof reference !== 'string') throw new Unfit(`${path}: $ref must be a string`)
  if (!reference.startsWith('#')) throw new Unfit(`${path}: $ref "${reference.slice(0, 80)}" leads out of the schema`)
  if (open.includes(reference)) throw new Unfit(`${path}: $ref "${reference.slice(0, 80)}" is recursive`)
  let target: unknown = walk.root
  for (const part of reference.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    target = isObject(target) && Object.hasOwn(target, name) ? target[name] : undefined
  }
  if (target === undefined) throw new Unfit(`${path}: $ref "${reference.slice(0, 80)}" leads nowhere`)
  if (reference === '#') throw new Unfit(`${path}: $ref "#" is recursive`)
  return resolve(target, path, [...open, reference], walk)
}

function properties(value: unknown, path: string, open: readonly string[], walk: Walk): Json {
  if (!isObject(value)) throw new Unfit(`${path}/properties: must be an object`)
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (RESERVED.has(name) || name === '') throw new Unfit(`${path}/properties: "${name}" cannot be the name of a property`)
      return [name, resolve(inner, `${path}/properties/${name}`, open, walk)]
    }),
  )
}

function choices(value: unknown, path: string, open: readonly string[], walk: Walk): Json[] {
  if (!Array.isArray(value) || value.length === 0) throw new Unfit(`${path}/anyOf: must be a list`)
  return value.map((inner, i) => resolve(inner, `${path}/anyOf/${i}`, open, walk))
}

function assertFit(plain: Readonly<Record<string, unknown>>, path: string): void {
  const { type } = plain
  const types = (Array.isArray(type) ? type : type === undefined ? [] : [type]) as unknown[]
  const unknown = types.find((one) => typeof one !== 'string' || !TYPES.has(one))
  if (unknown !== undefined) throw new Unfit(`${path}: there is no type ${JSON.stringify(unknown)}`)
  if (types.length === 0 && !('enum' in plain || 'const' in plain || 'anyOf' in plain)) throw new Unfit(`${path}: needs a type`)
  if (Array.isArray(type) && types.some((one) => one === 'object' || one === 'array'))
    throw new Unfit(`${path}: a list of types may name scalars only; use anyOf`)
  if (type === 'object') assertObject(plain, path)
  if (type === 'array' && !('items' in plain)) throw new Unfit(`${path}: an array needs "items"`)
  const listed = [...(Array.isArray(plain['enum']) ? plain['enum'] : []), ...('const' in plain ? [plain['const']] : [])]
  if ('enum' in plain && listed.length === 0) throw new Unfit(`${path}/enum: must be a list`)
  if (listed.some((value) => typeof value === 'object' && value !== null))
    throw new Unfit(`${path}: enum and const may hold scalars only`)
  if (plain['additionalProperties'] !== undefined && typeof plain['additionalProperties'] !== 'boolean')
    throw new Unfit(`${path}/additionalProperties: must be true or false`)
}

function assertObject(plain: Readonly<Record<string, unknown>>, path: string): void {
  const names = Object.keys((plain['properties'] ?? {}) as Json)
  if (names.length === 0) throw new Unfit(`${path}: an object needs "properties"`)
  const required = plain['required'] ?? []
  if (!Array.isArray(required)) throw new Unfit(`${path}/required: must be a list`)
  const missing = required.find((name) => !names.includes(name as string))
  if (missing !== undefined) throw new Unfit(`${path}/required: there is no property ${JSON.stringify(missing)}`)
}

/** `format` is a hint to the model: whether a value is right is looked up in the document, not guessed from its shape. */
const compile = (schema: Json): ValidateFunction =>
  new Ajv({ strict: false, allErrors: true, validateFormats: false, addUsedSchema: false }).compile(schema)

const validators = new WeakMap<PlainSchema, ValidateFunction>()

/** @returns what does not fit, `path message` each; empty when all does */
export function schemaProblems(schema: PlainSchema, value: unknown): string[] {
  const validate = validators.get(schema) ?? compile(schema as Json)
  validators.set(schema, validate)
  if (validate(value)) return []
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message ?? 'is not valid'}`)
}

/** A user's JSON Schema, resolved; what cannot be used is an issue that says where. */
export const ExtractSchema = z.record(z.string(), z.unknown()).transform((schema, context): PlainSchema => {
  try {
    return resolveSchema(schema)
  } catch (error) {
    if (!(error instanceof Unfit)) throw error
    context.addIssue({ code: 'custom', message: error.message })
    return z.NEVER
  }
})
