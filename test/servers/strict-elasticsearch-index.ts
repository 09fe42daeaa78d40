import { stem } from '#shared/text/stem.ts'
import type * as schema from './strict-elasticsearch-schemas.ts'

/** The reply to a request, or to one document of a bulk request, that the published API does not allow. */
export class Refusal extends Error {
  readonly status: number
  readonly type: string
  constructor(status: number, type: string, reason: string) {
    super(reason)
    this.status = status
    this.type = type
  }
}

type Term = { readonly counts: ReadonlyMap<string, number>; readonly length: number }
/** A Lucene document: a root, or one of the objects nested in it. */
export type Entry = {
  readonly source: Readonly<Record<string, unknown>>
  /** By full field name. */
  readonly keywords: ReadonlyMap<string, readonly unknown[]>
  readonly texts: ReadonlyMap<string, Term>
}
export type Stored = { readonly id: string; readonly routing: string; readonly root: Entry; readonly nested: readonly Entry[] }
export type Field = { readonly property: schema.Property; readonly analyzer: string; readonly similarity: schema.Bm25 }

const DEFAULT_BM25: schema.Bm25 = { type: 'BM25', k1: 1.2, b: 0.75 }
const MAX_TERM_BYTES = 32_766

/** One index in memory. Writes go to `live`; searches see `searchable`, which is `live` as of the last refresh. */
export class StrictIndex {
  readonly name: string
  readonly settings: schema.Settings
  readonly fields = new Map<string, Field>()
  mapping: schema.Mapping
  live = new Map<string, Stored>()
  searchable: ReadonlyMap<string, Stored> = new Map()
  /** Counts refreshes, so that statistics can be kept until the next. */
  refreshes = 0

  constructor(name: string, settings: schema.Settings, mapping: schema.Mapping) {
    this.name = name
    this.settings = settings
    this.mapping = mapping
    for (const [analyzer, { filter }] of Object.entries(settings.analysis.analyzer)) {
      const unknown = filter.find((each) => !BUILT_IN.has(each) && !(each in settings.analysis.filter))
      if (unknown !== undefined) {
        throw new Refusal(400, 'illegal_argument_exception', `analyzer [${analyzer}] has no filter [${unknown}]`)
      }
    }
    this.#addFields(mapping.properties, '')
  }

  putMapping(properties: schema.Mapping['properties']): void {
    for (const [name, property] of Object.entries(properties)) {
      const found = this.mapping.properties[name]
      if (found !== undefined && JSON.stringify(found) !== JSON.stringify(property)) {
        throw new Refusal(400, 'illegal_argument_exception', `mapper [${name}] cannot be changed`)
      }
    }
    this.mapping = { ...this.mapping, properties: { ...this.mapping.properties, ...properties } }
    this.#addFields(properties, '')
  }

  refresh(): void {
    this.searchable = new Map(this.live)
    this.refreshes++
  }

  shardOf(routing: string): number {
    let hash = 0
    for (const character of routing) hash = (Math.imul(hash, 31) + character.codePointAt(0)!) | 0
    return Math.abs(hash) % this.settings.number_of_shards
  }

  write(id: string, routing: string | undefined, source: unknown): void {
    if (routing === undefined && this.mapping._routing?.required) {
      throw new Refusal(400, 'routing_missing_exception', `routing is required for [${this.name}]/[${id}]`)
    }
    const nested: Entry[] = []
    const root = this.#entry(source, '', this.mapping.properties, nested)
    const limit = this.settings.mapping?.nested_objects?.limit ?? 10_000
    if (nested.length > limit) {
      throw new Refusal(
        400,
        'document_parsing_exception',
        `the number of nested documents has exceeded the allowed limit of [${limit}]`,
      )
    }
    this.live.set(id, { id, routing: routing ?? id, root, nested })
  }

  analyze(field: string, text: string): string[] {
    const { analyzer } = this.fields.get(field)!
    return analyze(text, this.settings.analysis, analyzer)
  }

  #addFields(properties: Readonly<Record<string, schema.Property>>, prefix: string): void {
    for (const [name, property] of Object.entries(properties)) {
      const path = prefix + name
      this.fields.set(path, this.#field(property))
      if (property.type === 'nested') this.#addFields(property.properties, `${path}.`)
      if (property.type !== 'text') continue
      for (const [sub, each] of Object.entries(property.fields ?? {})) this.fields.set(`${path}.${sub}`, this.#field(each))
    }
  }

  #field(property: schema.Property): Field {
    if (property.type !== 'text') return { property, analyzer: '', similarity: DEFAULT_BM25 }
    const { analyzer = 'standard', similarity } = property
    if (analyzer !== 'standard' && !(analyzer in this.settings.analysis.analyzer)) {
      throw new Refusal(400, 'mapper_parsing_exception', `analyzer [${analyzer}] has not been configured in mappings`)
    }
    const chosen = similarity === undefined ? DEFAULT_BM25 : this.settings.similarity[similarity]
    if (chosen === undefined) throw new Refusal(400, 'mapper_parsing_exception', `Unknown Similarity type [${similarity}]`)
    return { property, analyzer, similarity: chosen }
  }

  #entry(source: unknown, prefix: string, properties: Readonly<Record<string, schema.Property>>, nested: Entry[]): Entry {
    if (typeof source !== 'object' || source === null || Array.isArray(source)) {
      throw new Refusal(400, 'document_parsing_exception', `object mapping [${prefix}] tried to parse a value as object`)
    }
    const keywords = new Map<string, unknown[]>()
    const texts = new Map<string, Term>()
    for (const [name, value] of Object.entries(source)) {
      const path = prefix + name
      const property = properties[name]
      if (property === undefined) {
        const reason = `mapping set to strict, dynamic introduction of [${name}] within [${prefix || '_doc'}] is not allowed`
        throw new Refusal(400, 'strict_dynamic_mapping_exception', reason)
      }
      const values = (Array.isArray(value) ? value : [value]).filter((each) => each !== null)
      if (property.type === 'nested') {
        for (const each of values) nested.push(this.#entry(each, `${path}.`, property.properties, nested))
      } else if (property.type === 'text') {
        this.#indexText(path, property, values, texts)
      } else {
        for (const each of values) checkValue(path, property, each)
        if (property.index !== false) keywords.set(path, values)
      }
    }
    return { source: source as Entry['source'], keywords, texts }
  }

  #indexText(path: string, property: schema.Property & { type: 'text' }, values: unknown[], texts: Map<string, Term>): void {
    for (const value of values) {
      if (typeof value === 'object')
        throw new Refusal(400, 'document_parsing_exception', `failed to parse field [${path}] of type [text]`)
    }
    for (const field of [path, ...Object.keys(property.fields ?? {}).map((sub) => `${path}.${sub}`)]) {
      const terms = values.flatMap((value) => this.analyze(field, String(value)))
      if (terms.length === 0) continue
      const counts = new Map<string, number>()
      for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1)
      texts.set(field, { counts, length: terms.length })
    }
  }
}

function checkValue(path: string, property: schema.Property, value: unknown): void {
  const fits = property.type === 'integer' ? Number.isInteger(value) : typeof value !== 'object'
  if (!fits) throw new Refusal(400, 'document_parsing_exception', `failed to parse field [${path}] of type [${property.type}]`)
  if (property.type === 'keyword' && property.index !== false && Buffer.byteLength(String(value)) > MAX_TERM_BYTES) {
    throw new Refusal(400, 'document_parsing_exception', `Document contains at least one immense term in field="${path}"`)
  }
}

const BUILT_IN = new Set(['lowercase', 'asciifolding'])
const STANDARD = /[\p{L}\p{N}\p{M}_]+(?:['’.][\p{L}\p{N}\p{M}_]+)*/gu
const MAX_TOKEN = 255

/**
 * Analysis as configured. The tokenizer `standard` is Unicode's word rule in short, and `light_english` is our own light stemmer
 * in place of KStem: good enough to show that index and query meet, not to measure quality.
 */
function analyze(text: string, { analyzer, filter }: schema.Analysis, name: string): string[] {
  const { tokenizer, filter: names } = analyzer[name] ?? { tokenizer: 'standard', filter: ['lowercase'] }
  const found = tokenizer === 'standard' ? (text.match(STANDARD) ?? []) : text.split(/\s+/u)
  let tokens = found.flatMap((token) => token.match(new RegExp(`[^]{1,${MAX_TOKEN}}`, 'gu')) ?? [])
  for (const each of names) tokens = applyFilter(tokens, each, filter[each])
  return tokens
}

function applyFilter(tokens: string[], name: string, filter: schema.TokenFilter | undefined): string[] {
  if (filter === undefined) {
    return tokens.map((token) => (name === 'lowercase' ? token.toLowerCase() : token.normalize('NFKD').replace(/\p{M}/gu, '')))
  }
  switch (filter.type) {
    case 'stop':
      return tokens.filter((token) => !filter.stopwords.includes(token))
    case 'stemmer':
      return tokens.map((token) => (filter.language === 'light_english' ? stem(token) : token.replace(/['’]s$/i, '')))
    case 'pattern_replace':
      return tokens.map((token) =>
        token.replace(new RegExp(filter.pattern, filter.all === false ? 'u' : 'gu'), filter.replacement),
      )
    case 'length':
      return tokens.filter((token) => token.length >= filter.min && token.length <= filter.max)
  }
}
