import fc from 'fast-check'
import type { LightMyRequestResponse } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADMIN_KEY, type Api, problemIn, startApi } from './start-api.ts'

type Schema = {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
}
type Route = { readonly method: 'POST' | 'PATCH'; readonly url: string; readonly schema: Schema | undefined }

let api: Api
let routes: Route[]
beforeAll(async () => {
  api = await startApi({ limits: { bulkPatienceMs: 0 } })
  routes = await writableRoutes()
}, 60_000)
afterAll(() => api.close())

/** Every route that takes a body, as the OpenAPI document has it; names in paths are those of things that are there. */
async function writableRoutes(): Promise<Route[]> {
  const { ticketId } = (await api.post('/v1/tickets', { body: 'hello' })).json()
  const names: Record<string, string> = { tickets: ticketId, tenants: 'other', escalations: 'esc_none' }
  const { paths } = (await api.app.inject('/docs/json')).json()
  return Object.entries(
    paths as Record<string, Record<string, { requestBody?: { content: Record<string, { schema: Schema }> } }>>,
  ).flatMap(([path, methods]) =>
    (['POST', 'PATCH'] as const).flatMap((method) => {
      const operation = methods[method.toLowerCase()]
      if (!operation) return []
      const url = path.replace('{id}', names[path.split('/')[2]!] ?? 'none')
      return [{ method, url, schema: operation.requestBody?.content['application/json']?.schema }]
    }),
  )
}

const send = (route: Route, payload: string | Buffer, headers: Record<string, string> = {}) => {
  const type = route.url.endsWith('/bulk') ? 'application/x-ndjson' : 'application/json'
  const all = { 'content-type': type, authorization: `Bearer ${ADMIN_KEY}`, ...headers }
  return api.app.inject({ method: route.method, url: route.url, headers: all, payload })
}

const answers = new Map<number, number>()

/** Never our fault, and when refused, a problem document that says which field. */
function judge(route: Route, sent: unknown, response: LightMyRequestResponse): void {
  const what = `${route.method} ${route.url} with ${JSON.stringify(sent)?.slice(0, 300)} answered ${response.statusCode}: ${response.body.slice(0, 300)}`
  answers.set(response.statusCode, (answers.get(response.statusCode) ?? 0) + 1)
  expect(response.statusCode, what).toBeLessThan(500)
  expect(response.headers['x-request-id'], what).toBeDefined()
  if (response.statusCode < 400) return
  if (route.url === '/v1/chat/completions') {
    const shape = {
      message: expect.stringMatching(/./),
      type: expect.stringMatching(/_error$/),
      code: expect.stringMatching(/^\w+$/),
    }
    expect(response.json(), what).toEqual({
      error: { ...shape, param: expect.toSatisfy((one) => one === null || one.length > 0) },
    })
    return
  }
  const problem = problemIn(response)
  if (problem.code === 'invalid-request') expect(problem.errors?.length, what).toBeGreaterThan(0)
  for (const { field, message } of problem.errors ?? []) {
    expect(field.length, what).toBeGreaterThan(0)
    expect(message.length, what).toBeGreaterThan(0)
  }
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    'a\u0000b',
    '\ud800',
    '\udfff\ud800',
    '__proto__',
    '1e309',
    '\u202e',
    '../..',
    '%00',
    "'; DROP TABLE tickets; --",
  ),
  fc.constantFrom('x'.repeat(30_000), '\u0301'.repeat(5_000), '🙂'.repeat(3_000)),
)
const anything = fc.anything({
  key: fc.oneof(text, fc.constant('body')),
  values: [fc.boolean(), fc.integer(), fc.double(), text, fc.constant(null)],
  maxDepth: 4,
  withNullPrototype: true,
})

/** Mostly what the schema asks for, so that the fuzz gets past the first check, with something odd in some place. */
function like(schema: Schema | undefined): fc.Arbitrary<unknown> {
  if (!schema) return anything
  const odd = { weight: 1, arbitrary: anything }
  const fits = (arbitrary: fc.Arbitrary<unknown>) => fc.oneof({ weight: 8, arbitrary }, odd)
  if (schema.enum) return fits(fc.constantFrom(...schema.enum))
  if ('const' in schema) return fits(fc.constant(schema.const))
  if (schema.anyOf) return fits(fc.oneof(...schema.anyOf.map(like)))
  switch (schema.type) {
    case 'string':
      return fits(fc.oneof(text, fc.constantFrom('hello', 'https://x.example/', '2027-01-01T00:00:00Z', 'en', 'some-id')))
    case 'integer':
    case 'number':
      return fits(fc.oneof(fc.integer({ min: -2, max: 2_000 }), fc.double(), fc.constantFrom(2 ** 53, -0, 1e300)))
    case 'boolean':
      return fits(fc.boolean())
    case 'null':
      return fits(fc.constant(null))
    case 'array':
      return fits(fc.array(like(schema.items), { maxLength: 4 }))
    case 'object':
      return fits(objectLike(schema))
    default:
      return anything
  }
}

function objectLike({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const known = fc.record(Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, like(one)])), {
    requiredKeys: required.filter((name) => name in properties) as never[],
  })
  const unknown = fc.dictionary(text, anything, { maxKeys: 2 })
  return fc.oneof(
    { weight: 4, arbitrary: known },
    { weight: 1, arbitrary: fc.tuple(known, unknown).map(([a, b]) => ({ ...b, ...(a as object) })) },
  )
}

/** JSON as a hostile client writes it: lone surrogates and NUL as escapes. */
const jsonOf = (value: unknown) =>
  JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? String(item) : item)) ?? 'null'

describe('no body makes a route fail', () => {
  test('bodies close to the schema, with something odd in them', async () => {
    expect(routes.length).toBeGreaterThanOrEqual(13)
    await fc.assert(
      fc.asyncProperty(
        fc
          .integer({ min: 0, max: routes.length - 1 })
          .chain((at) => fc.tuple(fc.constant(routes[at]!), like(routes[at]!.schema))),
        async ([route, value]) => judge(route, value, await send(route, jsonOf(value))),
      ),
      { numRuns: 600, seed: 20_261_121 },
    )
  }, 120_000)

  test('bytes of any kind, cut-off JSON, and idempotency keys of any kind', async () => {
    const cut = anything
      .map(jsonOf)
      .chain((json) => fc.integer({ min: 0, max: json.length }).map((at) => Buffer.from(json.slice(0, at))))
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
      cut,
    )
    const key = fc.option(fc.string({ maxLength: 300 }), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), bytes, key, async (route, payload, idempotencyKey) => {
        const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }
        judge(route, payload.toString('latin1'), await send(route, payload, headers))
      }),
      { numRuns: 400, seed: 7 },
    )
  }, 120_000)

  test.each([
    ['deeply nested arrays', '['.repeat(50_000) + ']'.repeat(50_000)],
    ['deeply nested objects', '{"a":'.repeat(50_000) + '1' + '}'.repeat(50_000)],
    ['a field nested deep', `{"body":"x","metadata":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`],
    ['over the limit', JSON.stringify({ body: 'x'.repeat(9_000_000) })],
    ['a number too large', '{"body":1e999999}'],
    ['many keys', `{${Array.from({ length: 50_000 }, (_, i) => `"k${i}":1`).join(',')}}`],
    ['a byte order mark', '\ufeff{"body":"x"}'],
    ['repeated keys', '{"body":"a","body":"b","body":1}'],
  ])(
    '%s',
    async (_name, payload) => {
      for (const route of routes) judge(route, payload.slice(0, 40), await send(route, payload))
    },
    60_000,
  )

  test('queries and paths of any kind', async () => {
    const urls = ['/v1/escalations', '/v1/dead-letters', '/v1/usage', '/v1/tickets', '/v1/runs', '/v1/documents', '/v1/tenants']
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...urls), text, text, text, async (base, name, field, value) => {
        const path = /tickets|runs|documents|tenants/.test(base) ? `${base}/${encodeURIComponent(name.toWellFormed())}` : base
        const query = `${encodeURIComponent(field.toWellFormed())}=${encodeURIComponent(value.toWellFormed())}&limit=${encodeURIComponent(name.toWellFormed())}`
        const url = `${path}?${query}`.slice(0, 8_000)
        judge({ method: 'POST', url, schema: undefined }, url, await api.get(url))
      }),
      { numRuns: 300, seed: 11 },
    )
  }, 120_000)

  test('the fuzz got through the door as well as being refused there', () => {
    expect(answers.get(202) ?? 0).toBeGreaterThan(20)
    expect(answers.get(200) ?? 0).toBeGreaterThan(20)
    expect(answers.get(422) ?? 0).toBeGreaterThan(200)
    expect(answers.get(400) ?? 0).toBeGreaterThan(100)
  })

  test('and none of it was a mistake of ours', () => {
    expect(api.telemetry.defects).toEqual([])
    expect(api.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  })
})
