import type { PlainSchema } from '#shared/domain/extract-schema.ts'
import { type Fact, factsIn, normalWords } from '#shared/text/facts-in-text.ts'
import { standsAmong } from './match-facts.ts'

/** A document, read once, to look values up in. */
export type Ground = { readonly words: string; readonly facts: readonly Fact[] }
export const groundOf = (title: string, text: string): Ground => ({
  words: ` ${normalWords(`${title}\n${text}`)} `,
  facts: factsIn(`${title}\n${text}`),
})

/** Whether a text stands in the document word for word, or is one fact that stands there in another spelling. */
export function stands(value: string, { words, facts }: Ground): boolean {
  const wanted = normalWords(value)
  if (wanted === '') return false
  if (words.includes(` ${wanted} `)) return true
  const own = factsIn(value)
  return own.length === 1 && own[0]!.raw.trim() === value.trim() && standsAmong(own[0]!, facts)
}

const numberStands = (value: number, { words, facts }: Ground): boolean =>
  words.includes(` ${value} `) || facts.some(({ amount, value: known }) => [amount, known].some((one) => one === String(value)))

export type ProvenData = {
  readonly value: unknown
  /** Paths of what was taken away, for it stands nowhere in the document. */
  readonly cut: readonly string[]
  readonly judged: readonly string[]
}

const GONE = Symbol('gone')
type Walk = { readonly ground: Ground; readonly cut: string[]; readonly judged: string[] }

/** Keeps of a reply what stands in the document; optional properties that are null are left out. */
export function proveData(value: unknown, schema: PlainSchema, ground: Ground): ProvenData {
  const walk: Walk = { ground, cut: [], judged: [] }
  const kept = prove(value, schema, '', walk)
  return { value: kept === GONE ? {} : kept, cut: walk.cut, judged: walk.judged }
}

function prove(value: unknown, schema: PlainSchema, path: string, walk: Walk): unknown {
  if (value === null) return null
  if (Array.isArray(value)) {
    const items = branchFor(value, schema).items ?? {}
    return value.map((one, i) => prove(one, items, `${path}/${i}`, walk)).filter((one) => one !== GONE)
  }
  if (typeof value === 'object') return proveObject(value, branchFor(value, schema), path, walk)
  const found = typeof value === 'number' ? numberStands(value, walk.ground) : stands(String(value), walk.ground)
  if (found && typeof value !== 'boolean') return value
  if (typeof value === 'boolean' || isListed(value, schema)) {
    walk.judged.push(path || '/')
    return value
  }
  walk.cut.push(path || '/')
  return GONE
}

function proveObject(value: object, schema: PlainSchema, path: string, walk: Walk): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) {
    const own = schema.properties?.[name] ?? {}
    const optional = !(schema.required ?? []).includes(name)
    const one = prove(inner, own, `${path}/${name}`, walk)
    if (one === GONE && !optional && admitsNull(own)) kept[name] = null
    else if (one !== GONE && !(one === null && optional && !admitsNull(own))) kept[name] = one
  }
  return kept
}

/** Of several shapes, the one that this value has. */
function branchFor(value: object, schema: PlainSchema): PlainSchema {
  if (!schema.anyOf) return schema
  const wanted = Array.isArray(value) ? 'array' : 'object'
  const fitting = schema.anyOf.filter(({ type }) => type === wanted)
  const names = Object.keys(value)
  return fitting.find(({ properties = {} }) => names.every((name) => name in properties)) ?? fitting[0] ?? {}
}

const isListed = (value: unknown, { enum: listed, const: only, anyOf }: PlainSchema): boolean =>
  only === value || (listed ?? []).includes(value as string) || (anyOf ?? []).some((one) => isListed(value, one))

const admitsNull = ({ type, enum: listed, anyOf }: PlainSchema): boolean =>
  type === 'null' ||
  (Array.isArray(type) && type.includes('null')) ||
  (listed ?? []).includes(null) ||
  (anyOf ?? []).some(admitsNull)

/** The parts of a long document, together: the first part that knows a value has it, lists are joined. */
export function mergeData(parts: readonly unknown[]): unknown {
  return parts.reduce((merged, part) => mergeTwo(merged, part), undefined)
}

function mergeTwo(one: unknown, other: unknown): unknown {
  if (one === undefined || one === null) return other ?? one
  if (Array.isArray(one) && Array.isArray(other)) {
    const known = new Set(one.map((item) => JSON.stringify(item)))
    return [...one, ...other.filter((item) => !known.has(JSON.stringify(item)))]
  }
  if (isPlain(one) && isPlain(other)) {
    const names = [...new Set([...Object.keys(one), ...Object.keys(other)])]
    return Object.fromEntries(names.map((name) => [name, mergeTwo(one[name], other[name])]))
  }
  return one
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
