import * as z from 'zod'
import { type StandIn, type StandInReply, type StandInRequest, startStandIn } from './stand-in.ts'
import { Refusal, StrictIndex } from './strict-elasticsearch-index.ts'
import * as schema from './strict-elasticsearch-schemas.ts'
import { ShardSearch, searchReply } from './strict-elasticsearch-search.ts'

type World = { readonly indexes: Map<string, StrictIndex>; readonly aliases: Map<string, string> }
export type StrictElasticsearch = StandIn & World

const JSON_TYPE = 'application/vnd.elasticsearch+json; compatible-with=9'
const NDJSON_TYPE = 'application/vnd.elasticsearch+x-ndjson; compatible-with=9'
/** The client takes no server for Elasticsearch that does not say so. */
const HEADERS = { 'x-elastic-product': 'Elasticsearch', 'content-type': JSON_TYPE }

/**
 * A stand-in for an Elasticsearch server, in memory, with the few endpoints that our adapter uses: writes are seen by searches
 * after a refresh only, a search sees one refresh, routing chooses the shard, nested objects are scored by BM25. It
 * refuses whatever the published API would refuse, and fields that no mapping knows. Its analysis is simpler than Lucene's.
 */
export async function startStrictElasticsearch({ apiKey }: { readonly apiKey?: string } = {}): Promise<StrictElasticsearch> {
  const world: World = { indexes: new Map(), aliases: new Map() }
  const standIn = await startStandIn(async (request) => {
    try {
      if (apiKey !== undefined && request.headers.authorization !== `ApiKey ${apiKey}`) {
        throw new Refusal(401, 'security_exception', 'unable to authenticate')
      }
      checkHeaders(request)
      const { status = 200, body } = await route(world, request)
      return { status, body, headers: HEADERS }
    } catch (error) {
      return refusalReply(error)
    }
  })
  return { ...standIn, ...world }
}

function refusalReply(error: unknown): StandInReply {
  const refusal =
    error instanceof z.ZodError || error instanceof SyntaxError ? new Refusal(400, 'parsing_exception', error.message) : error
  if (!(refusal instanceof Refusal)) throw error
  const cause = { type: refusal.type, reason: refusal.message }
  return { status: refusal.status, body: { error: { root_cause: [cause], ...cause }, status: refusal.status }, headers: HEADERS }
}

function checkHeaders({ headers, body, path }: StandInRequest): void {
  if (!headers.accept?.includes('compatible-with=9')) {
    throw new Refusal(406, 'media_type_header_exception', `Invalid media-type value on headers [Accept]: ${headers.accept}`)
  }
  const expected = path.endsWith('/_bulk') ? NDJSON_TYPE : JSON_TYPE
  if (body !== '' && headers['content-type'] !== expected) {
    throw new Refusal(406, 'media_type_header_exception', `Invalid media-type value on headers [Content-Type], not ${expected}`)
  }
}

type Answer = { readonly status?: number; readonly body?: unknown }
type Endpoint = (world: World, request: StandInRequest, target: string, name: string) => Promise<Answer> | Answer
const ENDPOINTS: readonly (readonly [RegExp, Endpoint])[] = [
  [/^GET \/_cluster\/health$/, () => ({ body: { cluster_name: 'stand-in', status: 'green', number_of_nodes: 1 } })],
  [/^HEAD \/_alias\/([^/]+)$/, (world, _request, alias) => ({ status: world.aliases.has(alias) ? 200 : 404 })],
  [/^PUT \/([^/_][^/]*)\/_alias\/([^/]+)$/, putAlias],
  [/^GET \/([^/_][^/]*)\/_mapping$/, getMapping],
  [/^PUT \/([^/_][^/]*)\/_mapping$/, putMapping],
  [/^GET \/([^/_][^/]*)\/_refresh$/, refresh],
  [/^POST \/([^/_][^/]*)\/_bulk$/, bulk],
  [/^POST \/([^/_][^/]*)\/_search$/, search],
  [/^POST \/([^/_][^/]*)\/_delete_by_query$/, deleteByQuery],
  [/^PUT \/([^/_][^/]*)$/, createIndex],
  [/^DELETE \/([^/_][^/]*)$/, deleteIndex],
]

async function route(world: World, request: StandInRequest): Promise<Answer> {
  const asked = `${request.method} ${request.path}`
  for (const [pattern, endpoint] of ENDPOINTS) {
    const match = pattern.exec(asked)
    if (match) return endpoint(world, request, match[1] ?? '', match[2] ?? '')
  }
  throw new Refusal(405, 'illegal_argument_exception', `no handler found for [${asked}]`)
}

const parameters = <T>(request: StandInRequest, type: z.ZodType<T>): T => {
  const found = type.safeParse(Object.fromEntries(request.query))
  if (found.success) return found.data
  throw new Refusal(400, 'illegal_argument_exception', `unrecognized parameter: ${z.prettifyError(found.error)}`)
}
const bodyOf = <T>(request: StandInRequest, type: z.ZodType<T>): T => type.parse(JSON.parse(request.body))
const missing = (name: string) => new Refusal(404, 'index_not_found_exception', `no such index [${name}]`)

function one({ indexes, aliases }: World, target: string): StrictIndex {
  const index = indexes.get(aliases.get(target) ?? target)
  if (index === undefined) throw missing(target)
  return index
}

/** A pattern may match none; a name must exist. */
function many(world: World, target: string): StrictIndex[] {
  if (!target.endsWith('*')) return [one(world, target)]
  return [...world.indexes.values()].filter(({ name }) => name.startsWith(target.slice(0, -1)))
}

function createIndex({ indexes, aliases }: World, request: StandInRequest, name: string): Answer {
  parameters(request, schema.Parameters.none)
  const { settings, mappings } = bodyOf(request, schema.CreateIndex)
  if (!/^[a-z0-9][a-z0-9_.-]*$/.test(name)) throw new Refusal(400, 'invalid_index_name_exception', `Invalid index name [${name}]`)
  if (indexes.has(name) || aliases.has(name)) {
    throw new Refusal(400, 'resource_already_exists_exception', `index [${name}] already exists`)
  }
  indexes.set(name, new StrictIndex(name, schema.Settings.parse(settings ?? {}), schema.Mapping.parse(mappings)))
  return { body: { acknowledged: true, shards_acknowledged: true, index: name } }
}

function deleteIndex({ indexes, aliases }: World, _request: StandInRequest, name: string): Answer {
  if (!indexes.delete(name)) throw missing(name)
  for (const [alias, index] of aliases) if (index === name) aliases.delete(alias)
  return { body: { acknowledged: true } }
}

function putAlias(world: World, request: StandInRequest, target: string, alias: string): Answer {
  bodyOf(request, schema.PutAlias)
  world.aliases.set(alias, one(world, target).name)
  return { body: { acknowledged: true } }
}

function getMapping(world: World, request: StandInRequest, target: string): Answer {
  parameters(request, schema.Parameters.none)
  const { name, mapping } = one(world, target)
  return { body: { [name]: { mappings: mapping } } }
}

function putMapping(world: World, request: StandInRequest, target: string): Answer {
  one(world, target).putMapping(bodyOf(request, schema.PutMapping).properties)
  return { body: { acknowledged: true } }
}

function refresh(world: World, request: StandInRequest, target: string): Answer {
  parameters(request, schema.Parameters.none)
  for (const index of many(world, target)) index.refresh()
  return { body: { _shards: { total: 1, successful: 1, failed: 0 } } }
}

function search(world: World, request: StandInRequest, target: string): Answer {
  const { routing } = parameters(request, schema.Parameters.search)
  return { body: searchReply(one(world, target), routing, bodyOf(request, schema.Search)) }
}

async function bulk(world: World, request: StandInRequest, target: string): Promise<Answer> {
  const { refresh: when = 'false', require_alias } = parameters(request, schema.Parameters.bulk)
  if (!request.body.endsWith('\n')) {
    throw new Refusal(400, 'illegal_argument_exception', 'The bulk request must be terminated by a newline [\\n]')
  }
  const lines = request.body.slice(0, -1).split('\n')
  if (lines.length % 2 !== 0) throw new Refusal(400, 'illegal_argument_exception', 'an action without a document')
  const items: { index: object }[] = []
  for (let i = 0; i < lines.length; i += 2) {
    const { index: action } = schema.BulkAction.parse(JSON.parse(lines[i]!))
    items.push({ index: writeItem(world, action._index ?? target, action, lines[i + 1]!, require_alias === 'true') })
    // Others may refresh in between: a bulk request is many writes, not one.
    await pause()
  }
  if (when !== 'false') {
    await pause()
    one(world, target).refresh()
  }
  return { body: { took: 1, errors: items.some(({ index }) => 'error' in index), items } }
}

const pause = () => new Promise((resolve) => setImmediate(resolve))

function writeItem(
  world: World,
  target: string,
  { _id, routing }: { readonly _id: string; readonly routing?: string | undefined },
  line: string,
  requireAlias: boolean,
): object {
  try {
    if (requireAlias && !world.aliases.has(target)) {
      throw new Refusal(404, 'index_not_found_exception', `no such index [${target}] and [require_alias] request flag is [true]`)
    }
    one(world, target).write(_id, routing, JSON.parse(line))
    return { _index: target, _id, status: 201, result: 'created' }
  } catch (error) {
    const refusal = error instanceof SyntaxError ? new Refusal(400, 'document_parsing_exception', error.message) : error
    if (!(refusal instanceof Refusal)) throw error
    return { _index: target, _id, status: refusal.status, error: { type: refusal.type, reason: refusal.message } }
  }
}

/** Deletes what a search sees; what was written since the last refresh is overlooked, what changed since then is a conflict. */
function deleteByQuery(world: World, request: StandInRequest, target: string): Answer {
  const { routing, refresh: after, conflicts = 'abort' } = parameters(request, schema.Parameters.deleteByQuery)
  const { query } = bodyOf(request, schema.DeleteByQuery)
  let [total, deleted, version_conflicts] = [0, 0, 0]
  for (const index of many(world, target)) {
    for (const { stored } of new ShardSearch(index, routing).hits(query)) {
      total++
      if (index.live.get(stored.id) !== stored) version_conflicts++
      else if (index.live.delete(stored.id)) deleted++
    }
    if (after === 'true') index.refresh()
  }
  const status = version_conflicts > 0 && conflicts === 'abort' ? 409 : 200
  return { status, body: { took: 1, timed_out: false, total, deleted, version_conflicts, batches: 1, failures: [] } }
}
