import * as z from 'zod'
import { type StandIn, type StandInReply, type StandInRequest, startStandIn } from './stand-in.ts'
import * as schema from './strict-qdrant-schemas.ts'

type Stored = { readonly id: string | number; readonly vector: Float32Array; payload: Record<string, unknown> }
type Collection = {
  readonly params: z.infer<typeof schema.CreateCollection>
  readonly indexes: Map<string, schema.FieldIndex['field_schema']>
  readonly points: Map<string | number, Stored>
  /** Updates of a collection come one after the other; searches run in between. */
  updates: Promise<unknown>
}

/** The reply to a request that the published API does not allow. */
class Refusal extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export type StrictQdrant = StandIn & { readonly collections: ReadonlyMap<string, Collection> }

/**
 * A stand-in for a Qdrant server, in memory, with the few endpoints that our adapter uses. It is exact where the real one is
 * approximate, refuses whatever the published API would refuse, and changes points one by one with pauses between them,
 * because the real server promises no more: neither an upsert nor a batch is atomic for readers (qdrant/qdrant#9371).
 */
export async function startStrictQdrant({ apiKey }: { readonly apiKey?: string } = {}): Promise<StrictQdrant> {
  const collections = new Map<string, Collection>()
  const standIn = await startStandIn(async (request) => {
    const startedAt = performance.now()
    const time = () => (performance.now() - startedAt) / 1_000
    try {
      if (apiKey !== undefined && request.headers['api-key'] !== apiKey) {
        throw new Refusal(401, 'Must provide an API key or an Authorization bearer token')
      }
      return { status: 200, body: { result: await route(collections, request), status: 'ok', time: time() } }
    } catch (error) {
      return refusalReply(error, time())
    }
  })
  return { ...standIn, collections }
}

function refusalReply(error: unknown, time: number): StandInReply {
  if (error instanceof Refusal) return { status: error.status, body: { status: { error: error.message }, time } }
  if (error instanceof z.ZodError || error instanceof SyntaxError) {
    return { status: 400, body: { status: { error: `Format error in JSON body: ${error.message}` }, time } }
  }
  throw error
}

type Endpoint = (collection: Collection, request: StandInRequest) => Promise<unknown> | unknown
const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  'PUT /index': (collection, request) => {
    written(request)
    const { field_name, field_schema } = bodyOf(request, schema.FieldIndex)
    return inTurn(collection, async () => void collection.indexes.set(field_name, field_schema))
  },
  'PUT /points': (collection, request) => {
    written(request)
    const { points } = bodyOf(request, schema.UpsertPoints)
    for (const { vector } of points) checkVector(collection, vector)
    return inTurn(collection, async () => {
      for (const { id, vector, payload } of points) {
        collection.points.set(id, { id, vector: unit(vector), payload: payload ?? {} })
        await pause()
      }
    })
  },
  'POST /points/payload': (collection, request) => {
    written(request)
    const change = bodyOf(request, schema.SetPayload)
    return inTurn(collection, () => setPayload(collection, change))
  },
  'POST /points/payload/delete': (collection, request) => {
    written(request)
    const { keys, filter } = bodyOf(request, schema.DeletePayload)
    return inTurn(collection, async () => {
      for (const point of select(collection, filter)) {
        point.payload = Object.fromEntries(Object.entries(point.payload).filter(([key]) => !keys.includes(key)))
        await pause()
      }
    })
  },
  'POST /points/delete': (collection, request) => {
    written(request)
    const { filter } = bodyOf(request, schema.DeletePoints)
    return inTurn(collection, () => deletePoints(collection, filter))
  },
  'POST /points/batch': (collection, request) => {
    written(request)
    const { operations } = bodyOf(request, schema.BatchUpdate)
    return inTurn(collection, async () => {
      for (const operation of operations) {
        if ('delete' in operation) await deletePoints(collection, operation.delete.filter)
        else await setPayload(collection, operation.set_payload)
      }
    })
  },
  'POST /points/query': (collection, request) => {
    schema.ReadQuery.parse(Object.fromEntries(request.query))
    const { query, filter, limit = 10, with_payload, with_vector } = bodyOf(request, schema.QueryPoints)
    checkVector(collection, query)
    const direction = unit(query)
    const scored = select(collection, filter).map((point) => ({ point, score: dot(direction, point.vector) }))
    scored.sort((a, b) => b.score - a.score)
    return { points: scored.slice(0, limit).map(({ point, score }) => ({ ...shown(point, with_payload, with_vector), score })) }
  },
  'POST /points/count': (collection, request) => {
    schema.ReadQuery.parse(Object.fromEntries(request.query))
    return { count: select(collection, bodyOf(request, schema.CountPoints).filter).length }
  },
  'POST /points/scroll': (collection, request) => {
    schema.ReadQuery.parse(Object.fromEntries(request.query))
    const { filter, limit = 10, order_by, with_payload, with_vector } = bodyOf(request, schema.ScrollPoints)
    const points = order_by ? ordered(collection, select(collection, filter), order_by) : select(collection, filter)
    return { points: points.slice(0, limit).map((point) => shown(point, with_payload, with_vector)), next_page_offset: null }
  },
}

async function route(collections: Map<string, Collection>, request: StandInRequest): Promise<unknown> {
  const { method, path } = request
  if (`${method} ${path}` === 'GET /collections') return { collections: [...collections.keys()].map((name) => ({ name })) }
  const [, name, rest] = /^\/collections\/([^/]+)(\/.*)?$/.exec(path) ?? []
  if (name === undefined) throw new Refusal(404, `no endpoint ${method} ${path}`)
  if (method === 'PUT' && rest === undefined) return create(collections, name, request)
  const collection = collections.get(name)
  if (collection === undefined) throw new Refusal(404, `Not found: Collection \`${name}\` doesn't exist!`)
  if (method === 'GET' && rest === undefined) return infoOf(collection)
  if (method === 'DELETE' && rest === undefined) return collections.delete(name)
  const endpoint = ENDPOINTS[`${method} ${rest}`]
  if (endpoint === undefined) throw new Refusal(404, `no endpoint ${method} ${path}`)
  return endpoint(collection, request)
}

function create(collections: Map<string, Collection>, name: string, request: StandInRequest): boolean {
  const params = bodyOf(request, schema.CreateCollection)
  if (name.length > 255 || /[<>:"/\\|?*\0\u001F]/.test(name)) throw new Refusal(422, `Validation error: ${name}`)
  if (collections.has(name)) throw new Refusal(409, `Wrong input: Collection \`${name}\` already exists!`)
  collections.set(name, { params, indexes: new Map(), points: new Map(), updates: Promise.resolve() })
  return true
}

const infoOf = ({ params, indexes, points }: Collection) => ({
  status: 'green',
  optimizer_status: 'ok',
  points_count: points.size,
  segments_count: 1,
  config: {
    params: { vectors: params.vectors, on_disk_payload: params.on_disk_payload ?? true },
    hnsw_config: params.hnsw_config,
  },
  payload_schema: Object.fromEntries(
    [...indexes].map(([field, params]) => [field, { data_type: params.type, params, points: points.size }]),
  ),
})

function bodyOf<T>(request: StandInRequest, type: z.ZodType<T>): T {
  if (request.headers['content-type'] !== 'application/json') throw new Refusal(400, 'Content type error')
  return type.parse(JSON.parse(request.body))
}

const written = ({ query }: StandInRequest) => schema.WriteQuery.parse(Object.fromEntries(query))
/** Lets whoever waits to read come in between two points. */
const pause = () => new Promise((resolve) => setImmediate(resolve))

async function inTurn(collection: Collection, update: () => Promise<void>): Promise<{ operation_id: number; status: string }> {
  const mine = collection.updates.then(update)
  collection.updates = mine.catch(() => {})
  await mine
  return { operation_id: 0, status: 'completed' }
}

async function setPayload(collection: Collection, { payload, filter }: z.infer<typeof schema.SetPayload>): Promise<void> {
  for (const point of select(collection, filter)) {
    point.payload = { ...point.payload, ...payload }
    await pause()
  }
}

async function deletePoints(collection: Collection, filter: schema.Filter): Promise<void> {
  for (const { id } of select(collection, filter)) {
    collection.points.delete(id)
    await pause()
  }
}

const select = (collection: Collection, filter: schema.Filter | undefined): Stored[] =>
  [...collection.points.values()].filter((point) => filter === undefined || accepts(filter, point.payload))

function accepts({ must, must_not, should }: schema.Filter, payload: Record<string, unknown>): boolean {
  const holds = (condition: schema.Condition) => meets(condition, payload)
  return (must ?? []).every(holds) && !(must_not ?? []).some(holds) && (should === undefined || should.some(holds))
}

function meets(condition: schema.Condition, payload: Record<string, unknown>): boolean {
  if (!('key' in condition)) return accepts(condition, payload)
  const value = payload[condition.key]
  const { match, range } = condition
  if (match !== undefined) return 'any' in match ? match.any.some((each) => each === value) : match.value === value
  if (range === undefined || typeof value !== 'number') return false
  const { lt, lte, gt, gte } = range
  return (
    (lt === undefined || value < lt) &&
    (lte === undefined || value <= lte) &&
    (gt === undefined || value > gt) &&
    (gte === undefined || value >= gte)
  )
}

function ordered(
  collection: Collection,
  points: Stored[],
  by: { key: string; direction?: 'asc' | 'desc' | undefined },
): Stored[] {
  const index = collection.indexes.get(by.key)
  if (index?.type !== 'integer' || index.range === false) {
    throw new Refusal(
      400,
      `Bad request: No range index for \`order_by\` key: \`${by.key}\`. Please create one to use \`order_by\`.`,
    )
  }
  const sign = by.direction === 'desc' ? -1 : 1
  return points
    .filter(({ payload }) => typeof payload[by.key] === 'number')
    .sort((a, b) => sign * (Number(a.payload[by.key]) - Number(b.payload[by.key])))
}

function shown({ id, payload, vector }: Stored, withPayload: boolean | string[] | undefined, withVector: boolean | undefined) {
  const fields = Array.isArray(withPayload) ? withPayload : Object.keys(payload)
  const kept = withPayload ? Object.fromEntries(fields.filter((key) => key in payload).map((key) => [key, payload[key]])) : null
  return { id, version: 0, payload: kept, ...(withVector ? { vector: Array.from(vector) } : {}) }
}

function checkVector({ params }: Collection, vector: readonly number[]): void {
  const { size } = params.vectors
  if (vector.length !== size) {
    throw new Refusal(400, `Wrong input: Vector dimension error: expected dim: ${size}, got ${vector.length}`)
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** Cosine collections keep vectors at length 1; a zero vector stays as it is. */
function unit(values: readonly number[]): Float32Array {
  const vector = Float32Array.from(values)
  const length = Math.sqrt(dot(vector, vector)) || 1
  return vector.map((value) => value / length)
}
