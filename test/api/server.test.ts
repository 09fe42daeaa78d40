import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, keyOf, problemIn, startApi } from './start-api.ts'

let api: Api
beforeAll(async () => {
  api = await startApi()
}, 60_000)
afterAll(() => api.close())

const raw = (payload: string | Buffer, type = 'application/json', url = '/v1/tickets') =>
  api.post(url, payload, { headers: { 'content-type': type } })

describe('request ids', () => {
  test('a well-formed one is kept, any other is replaced, and every response has one', async () => {
    const mine = await api.get('/healthz', { headers: { 'x-request-id': 'my-request-0001' } })
    expect(mine.headers['x-request-id']).toBe('my-request-0001')
    for (const bad of ['short', 'has spaces in it', 'x'.repeat(129)])
      expect((await api.get('/healthz', { headers: { 'x-request-id': bad } })).headers['x-request-id']).toMatch(
        /^req_[0-9a-z]{26}$/,
      )
    expect((await api.get('/nowhere')).headers['x-request-id']).toMatch(/^req_/)
  })
})

describe('what cannot be read is a problem document', () => {
  test.each([
    ['no JSON', '{"body": ', 400, 'malformed-body'],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 400, 'malformed-body'],
    ['nested 100,000 deep', `{"metadata":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400, 'malformed-body'],
    ['over a mebibyte', JSON.stringify({ body: 'x'.repeat(1_100_000) }), 413, 'body-too-large'],
    ['nothing', '', 422, 'invalid-request'],
    ['null', 'null', 422, 'invalid-request'],
  ])('%s', async (_name, body, status, code) => {
    expect(problemIn(await raw(body))).toMatchObject({ status, code })
  })

  test('another content type', async () => {
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'nonsense'])
      expect(problemIn(await raw('{}', type))).toMatchObject({ status: 415, code: 'unsupported-media-type' })
  })

  test('a route that is not there, and one that is there with another method', async () => {
    expect(problemIn(await api.get('/v2/tickets'))).toMatchObject({ status: 404, code: 'not-found' })
    const wrong = await api.send('DELETE', '/v1/tickets/tkt_1')
    expect(problemIn(wrong)).toMatchObject({ status: 405, code: 'method-not-allowed' })
    expect(wrong.headers.allow).toContain('GET')
  })

  test('paths with NUL, broken escapes or names of enormous length', async () => {
    for (const url of [
      '/v1/tickets/%00',
      '/v1/tickets/%zz',
      `/v1/tickets/${'a'.repeat(5_000)}`,
      '/v1/runs/%F0%9F',
      '/v1/tenants/A%20b',
    ]) {
      const { status } = problemIn(await api.get(url))
      expect([400, 404]).toContain(status)
    }
  })

  test('bytes that are no HTTP at all', async () => {
    await api.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = api.app.server.address() as { port: number }
    const answer = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(port, '127.0.0.1', () => socket.write('\u0000\u0001 nonsense\r\n\r\n'))
      socket.on('data', (bytes) => (text += bytes.toString()))
      socket.on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('application/problem+json')
    expect(answer).toMatch(/x-request-id: req_/)
  })
})

describe('what does not fit the schema is named by field', () => {
  test.each([
    [{}, 'body'],
    [{ body: '   ' }, 'body'],
    [{ body: 'ok', nope: 1 }, 'nope'],
    [{ body: 'ok', requester: { id: 'u', rank: 1 } }, 'requester.rank'],
    [{ body: 'ok', requester: { id: 7 } }, 'requester.id'],
    [{ body: 'ok', channel: 'pigeon' }, 'channel'],
    [{ body: 'ok', callbackUrl: 'ftp://x.example' }, 'callbackUrl'],
    [{ body: 'ok', metadata: { deep: { er: 1 } } }, 'metadata.deep'],
    [{ body: 'x'.repeat(20_001) }, 'body'],
    [{ body: 'a\u0000b' }, 'body'],
    [{ body: 'a\ud800b' }, 'body'],
    [{ body: 'ok', metadata: { 'k\udfff': 'v' } }, 'metadata.k\ufffd'],
    [{ body: 'ok', metadata: { k: 'v\u0000' } }, 'metadata.k'],
    [{ body: 'ok', callbackUrl: 'http://x.example/\u0000' }, 'callbackUrl'],
  ])('case %#', async (body, field) => {
    const problem = problemIn(await raw(JSON.stringify(body)))
    expect(problem).toMatchObject({ status: 422, code: 'invalid-request' })
    expect(problem.errors!.map((error) => error.field)).toContain(field)
  })

  test('a thousand unknown fields do not make a long answer', async () => {
    const body = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`field-${i}-${'x'.repeat(150)}`, 1]))
    const response = await raw(JSON.stringify(body))
    expect(problemIn(response).errors!.length).toBeLessThanOrEqual(20)
    expect(response.body.length).toBeLessThan(10_000)
  })

  test('__proto__ in a body changes nothing but its answer', async () => {
    const response = await raw('{"body":"ok","__proto__":{"polluted":true}}')
    expect(response.statusCode).toBeLessThan(500)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

describe('keys and roles', () => {
  test('no key, a wrong one and a malformed header are 401', async () => {
    for (const authorization of ['', 'Bearer', 'Basic abc', 'Bearer al_wrong', `Bearer ${'x'.repeat(600)}`])
      expect(problemIn(await api.get('/v1/usage', { headers: { authorization } }))).toMatchObject({
        status: 401,
        code: 'unauthenticated',
      })
  })

  test('every route below /v1 refuses a key without its role', async () => {
    const routes: [string, string, keyof typeof allowed][] = []
    const allowed = { ingest: 1, read: 1, agent: 1, operator: 1, admin: 1 }
    routes.push(['GET', '/v1/tickets/tkt_1', 'ingest'], ['POST', '/v1/tickets', 'read'], ['POST', '/v1/search', 'ingest'])
    routes.push(
      ['GET', '/v1/escalations', 'read'],
      ['GET', '/v1/dead-letters', 'agent'],
      ['POST', '/v1/dead-letters/redrive', 'read'],
    )
    routes.push(
      ['GET', '/v1/tenants/default', 'operator'],
      ['POST', '/v1/tenants', 'operator'],
      ['DELETE', '/v1/documents/d', 'read'],
    )
    for (const [method, url, role] of routes)
      expect(problemIn(await api.send(method as 'GET', url, { key: keyOf(role) })), `${method} ${url} as ${role}`).toMatchObject({
        status: 403,
      })
  })

  test('the installation’s key acts for the default tenant, or for the one that is named, if it is there', async () => {
    const post = (headers: Record<string, string>) => api.post('/v1/tickets', { body: 'hello' }, { headers })
    const mine = (await post({})).json()
    const theirs = (await post({ 'x-tenant-id': 'other' })).json()
    expect(await api.deps.tickets.find('default', mine.ticketId)).toBeDefined()
    expect(await api.deps.tickets.find('other', theirs.ticketId)).toBeDefined()
    for (const id of ['nobody', 'Not an id!', '../x']) expect(problemIn(await post({ 'x-tenant-id': id })).status).toBe(404)
  })

  test('a tenant’s key cannot leave its tenant', async () => {
    const response = await api.get('/v1/usage', { key: keyOf('read'), headers: { 'x-tenant-id': 'other' } })
    expect(problemIn(response).status).toBe(404)
  })
})

describe('health and documentation', () => {
  test('health, readiness and metrics need no key', async () => {
    for (const url of ['/healthz', '/readyz', '/metrics']) expect((await api.app.inject(url)).statusCode).toBe(200)
    expect((await api.app.inject('/metrics')).body).toContain('answerline_up')
  })

  test('a failed check is 503 and says which', async () => {
    const sick = await startApi(
      {
        readiness: async () => ({ ok: false, checks: { redis: { ok: false, detail: 'no answer' } } }),
        metricsOpen: false,
      },
      api.database,
    )
    const response = await sick.app.inject('/readyz')
    expect(problemIn(response)).toMatchObject({ status: 503, code: 'not-ready', checks: { redis: { ok: false } } })
    expect((await sick.app.inject('/metrics')).statusCode).toBe(401)
    expect((await sick.get('/metrics', { key: keyOf('operator') })).statusCode).toBe(200)
    await sick.close()
  })

  test('the OpenAPI document names every route and its schemas, and its page loads from here', async () => {
    const { paths, openapi } = (await api.app.inject('/docs/json')).json()
    expect(openapi).toBe('3.1.0')
    for (const path of [
      '/v1/tickets',
      '/v1/tickets/bulk',
      '/v1/search',
      '/v1/dead-letters/redrive',
      '/v1/tenants/{id}/keys',
      '/v1/usage',
      '/healthz',
    ])
      expect(Object.keys(paths)).toContain(path)
    expect(paths['/v1/tickets'].post.requestBody.content['application/json'].schema.required).toEqual(['body'])
    const page = await api.app.inject('/docs/')
    expect(page.statusCode).toBe(200)
    expect(page.body).not.toMatch(/(?:src|href)="https?:/)
  })
})

describe('our own mistakes', () => {
  test('are 500 without a word about the inside, counted and logged', async () => {
    const broken = await startApi(
      {
        usage: { ...api.deps.usage, report: async () => Promise.reject(new Error('secret detail at 10.0.0.7')) },
      },
      api.database,
    )
    const response = await broken.get('/v1/usage')
    expect(problemIn(response)).toMatchObject({ status: 500, code: 'internal-error' })
    expect(response.body).not.toContain('secret detail')
    expect(broken.telemetry.defects).toEqual(['api'])
    await broken.close()
  })

  test('a store that is down is 503 with retry-after', async () => {
    const down = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    const broken = await startApi({ usage: { ...api.deps.usage, report: async () => Promise.reject(down) } }, api.database)
    const response = await broken.get('/v1/usage')
    expect(problemIn(response)).toMatchObject({ status: 503, code: 'overloaded' })
    expect(response.headers['retry-after']).toBe('2')
    await broken.close()
  })
})
