import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type StrictQdrant, startStrictQdrant } from './strict-qdrant.ts'

let server: StrictQdrant
beforeEach(async () => {
  server = await startStrictQdrant()
  await send('PUT', '/collections/c', { vectors: { size: 2, distance: 'Cosine' } })
})
afterEach(() => server.close())

async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
  const all = { 'content-type': 'application/json', ...headers }
  const response = await fetch(server.url + path, { method, headers: all, ...sent })
  const reply = (await response.json()) as { result: unknown; status: { error?: string } }
  return { status: response.status, result: reply.result, error: reply.status.error }
}
const point = (vector: number[], payload: object = {}) => ({ id: randomUUID(), vector, payload })
const put = (...points: object[]) => send('PUT', '/collections/c/points?wait=true', { points })

test.each([
  ['an unknown field', 'POST', '/collections/c/points/query', { query: [1, 0], limt: 3 }],
  ['a filter of an unknown kind', 'POST', '/collections/c/points/query', { query: [1, 0], filter: { musst: [] } }],
  ['an empty filter', 'POST', '/collections/c/points/delete', { filter: {} }],
  ['a condition without a test', 'POST', '/collections/c/points/count', { filter: { must: [{ key: 'a' }] } }],
  ['a match of a wrong type', 'POST', '/collections/c/points/count', { filter: { must: [{ key: 'a', match: { value: 1.5 } }] } }],
  ['a range over text', 'POST', '/collections/c/points/count', { filter: { must: [{ key: 'a', range: { lt: '3' } }] } }],
  ['a limit of zero', 'POST', '/collections/c/points/query', { query: [1, 0], limit: 0 }],
  ['a vector with null in it', 'POST', '/collections/c/points/query', { query: [1, null] }],
  ['a vector of another size', 'POST', '/collections/c/points/query', { query: [1, 0, 0] }],
  ['a point of another size', 'PUT', '/collections/c/points', { points: [point([1])] }],
  ['a point whose id is no UUID', 'PUT', '/collections/c/points', { points: [{ id: 'a', vector: [1, 0] }] }],
  ['no points', 'PUT', '/collections/c/points', { points: [] }],
  ['an unknown parameter', 'PUT', '/collections/c/points?wiat=true', { points: [point([1, 0])] }],
  ['an unknown ordering', 'PUT', '/collections/c/points?ordering=strict', { points: [point([1, 0])] }],
  ['an unknown operation', 'POST', '/collections/c/points/batch', { operations: [{ set_paylod: {} }] }],
  ['a payload for nobody', 'POST', '/collections/c/points/payload', { payload: { a: 1 } }],
  ['an index of an unknown type', 'PUT', '/collections/c/index', { field_name: 'a', field_schema: { type: 'words' } }],
  ['an order without a range index', 'POST', '/collections/c/points/scroll', { order_by: { key: 'a' } }],
  ['a distance that does not exist', 'PUT', '/collections/d', { vectors: { size: 2, distance: 'cosine' } }],
  ['broken JSON', 'POST', '/collections/c/points/count', '{"exact": tru'],
])('refuses %s', async (_what, method, path, body) => {
  const before = server.collections.get('c')!.points.size
  expect(await send(method, path, body)).toMatchObject({ status: 400, error: expect.any(String) })
  expect(server.collections.get('c')!.points.size).toBe(before)
})

test('refuses a body that does not say that it is JSON', async () => {
  const reply = await send('POST', '/collections/c/points/count', {}, { 'content-type': 'text/plain' })
  expect(reply.status).toBe(400)
})

test('knows nothing of a collection or an endpoint that is not there, and creates none twice', async () => {
  expect((await send('POST', '/collections/x/points/count', {})).status).toBe(404)
  expect((await send('POST', '/collections/c/points/recommend', {})).status).toBe(404)
  expect((await send('PUT', '/collections/c', { vectors: { size: 2, distance: 'Cosine' } })).status).toBe(409)
})

test('searches by cosine under a filter, the nearest first', async () => {
  await put(point([10, 0], { of: 'a' }), point([0, 1], { of: 'a' }), point([1, 1], { of: 'b' }))
  const filter = { must: [{ key: 'of', match: { any: ['a'] } }] }
  const { result } = await send('POST', '/collections/c/points/query', { query: [2, 0], filter, with_payload: ['of'] })
  expect(result).toMatchObject({ points: [{ score: 1, payload: { of: 'a' } }, { score: 0 }] })
})

test('a range never holds for a field that is absent', async () => {
  await put(point([1, 0], { until: 5 }), point([1, 0]))
  const count = async (filter: object) => (await send('POST', '/collections/c/points/count', { filter })).result
  expect(await count({ must: [{ key: 'until', range: { lte: 9 } }] })).toEqual({ count: 1 })
  expect(await count({ must_not: [{ key: 'until', range: { lte: 9 } }] })).toEqual({ count: 1 })
})

test('shows readers half of an upsert and half of a batch, as the real server may', async () => {
  const points = (version: string) => Array.from({ length: 50 }, () => point([1, 0], { version }))
  const of = (version: string) => ({ must: [{ key: 'version', match: { value: version } }] })
  await put(...points('old'))
  let writing = true
  const replaced = put(...points('new'))
    .then(() => send('POST', '/collections/c/points/batch', { operations: [{ delete: { filter: of('old') } }] }))
    .finally(() => {
      writing = false
    })
  let mixtures = 0
  while (writing) {
    const { result } = await send('POST', '/collections/c/points/query', { query: [1, 0], limit: 100, with_payload: true })
    const seen = (result as { points: { payload: { version: string } }[] }).points.map(({ payload }) => payload.version)
    if (new Set(seen).size > 1) mixtures++
  }
  await replaced
  expect(mixtures).toBeGreaterThan(0)
})

test('asks for its key', async () => {
  const locked = await startStrictQdrant({ apiKey: 'right' })
  const statusWith = async (headers: Record<string, string>) => (await fetch(`${locked.url}/collections`, { headers })).status
  expect([await statusWith({}), await statusWith({ 'api-key': 'wrong' }), await statusWith({ 'api-key': 'right' })]).toEqual([
    401, 401, 200,
  ])
  await locked.close()
})
