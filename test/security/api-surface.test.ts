import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '#shared/adapters/telemetry/log.pino.ts'
import { maskFacts } from '#shared/domain/mask-facts.ts'
import { ADMIN_KEY, type Api, keyOf, problemIn, startApi } from '#test/api/start-api.ts'

let api: Api
beforeAll(async () => {
  api = await startApi()
}, 120_000)
afterAll(() => api.close())

const CANARY = 'quokka-4711'

describe('browsers', () => {
  test('are given no cross-origin rights: no route answers a preflight, none names an origin', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
    for (const url of ['/v1/tickets', '/v1/usage', '/healthz', '/docs', '/v1/chat/completions']) {
      const preflight = await api.app.inject({ method: 'OPTIONS', url, headers })
      const got = await api.app.inject({ method: 'GET', url, headers: { ...headers, authorization: `Bearer ${ADMIN_KEY}` } })
      expect(preflight.statusCode, url).toBe(404)
      for (const response of [preflight, got])
        expect(Object.keys(response.headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
    }
  })

  test('neither guess types nor keep answers, errors included', async () => {
    for (const url of ['/v1/usage', '/v1/tickets/none', '/nowhere', '/healthz']) {
      const { headers } = await api.get(url)
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
      expect(headers['x-powered-by'] ?? headers.server).toBeUndefined()
    }
  })
})

describe('headers', () => {
  test('of a request never become headers or lines of ours', async () => {
    for (const bad of [
      'abcdefgh\r\nset-cookie: a=b',
      'abcdefgh\nx: y',
      'abcdefgh\u0000',
      'ab"cd{efgh}',
      '../../etc/passwd',
      'é'.repeat(9),
    ]) {
      const response = await api.get('/healthz', { headers: { 'x-request-id': bad } })
      expect(response.headers['x-request-id']).toMatch(/^req_[0-9a-z]{26}$/)
      expect(response.headers['set-cookie']).toBeUndefined()
    }
    for (const bad of ['other\r\nx: y', '../default', 'default%00', 'DEFAULT', 'default,other', ' ', "default' OR '1'='1"])
      expect([401, 404]).toContain((await api.get('/v1/usage', { headers: { 'x-tenant-id': bad } })).statusCode)
  })

  test('name a tenant only next to the installation’s key', async () => {
    expect((await api.get('/v1/tenants/other', { headers: { 'x-tenant-id': 'other' } })).json().id).toBe('other')
    const response = await api.get('/v1/tenants/other', { key: keyOf('admin'), headers: { 'x-tenant-id': 'other' } })
    expect(problemIn(response).status).toBe(404)
  })
})

describe('bodies', () => {
  test('set nothing that is ours to set', async () => {
    const key = keyOf('ingest')
    for (const field of ['id', 'tenantId', 'runId', 'status', 'tier', 'receivedAt', 'history', 'answer', 'facts', 'seq', 'role'])
      expect(problemIn(await api.post('/v1/tickets', { body: 'x', [field]: 'default' }, { key })).status, field).toBe(422)
    for (const field of ['tenantId', 'state', 'contentHash', 'runId', 'version'])
      expect(problemIn(await api.post('/v1/documents', { text: 'x', [field]: 'x' }, { key })).status, field).toBe(422)
    const admin = { key: keyOf('admin') }
    for (const field of ['id', 'createdAt', 'roles', 'limits'])
      expect(problemIn(await api.send('PATCH', '/v1/tenants/default', { ...admin, body: { [field]: {} } })).status, field).toBe(
        422,
      )
    const made = { name: 'k', roles: ['read'] }
    for (const extra of [{ tenantId: 'other' }, { key: 'al_mine' }, { keyHash: 'x' }, { roles: ['root'] }])
      expect(problemIn(await api.post('/v1/tenants/default/keys', { ...made, ...extra }, admin)).status).toBe(422)
  })

  test('reach no prototype, wherever they hide the name', async () => {
    const polluted = () => ({}) as { polluted?: unknown; isAdmin?: unknown }
    const evil = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":{"polluted":1}}'
    const send = (method: 'POST' | 'PATCH', url: string, text: string) =>
      api.send(method, url, { headers: { 'content-type': 'application/json' }, body: text })
    const responses = [
      await send('POST', '/v1/tickets', `{"body":"x","metadata":{"__proto__":"polluted","constructor":"polluted"}}`),
      await send('POST', '/v1/tickets', `{"body":"x","requester":{"id":"c","__proto__":{"tier":"enterprise"}}}`),
      await send('PATCH', '/v1/tenants/default', `{"config":${evil}}`),
      await send('PATCH', '/v1/tenants/default', `{"config":{"policies":${evil}}}`),
      await send('POST', '/v1/search', `{"query":"x","filters":${evil}}`),
      await send('POST', '/v1/documents', `{"text":"x","metadata":{"__proto__":{"polluted":1}}}`),
    ]
    for (const { statusCode } of responses) expect(statusCode).toBeLessThan(500)
    expect([polluted().polluted, polluted().isAdmin, Object.keys(Object.prototype)]).toEqual([undefined, undefined, []])
  })

  test('and paths leave no folder and open no other statement', async () => {
    const names = [
      '..%2f..%2fetc%2fpasswd',
      '..%5c..%5cwin.ini',
      "x'%20OR%201=1--",
      '%2e%2e',
      'a%0d%0ab',
      '%00',
      '*',
      '$%7bjndi:x%7d',
    ]
    for (const room of ['tickets', 'runs', 'documents', 'document-sets', 'batches', 'tenants'])
      for (const name of names) expect([400, 404]).toContain((await api.get(`/v1/${room}/${name}`)).statusCode)
    for (const url of ['/docs/static/..%2f..%2fpackage.json', '/docs/static/../../package.json', '/docs/..%2f..%2fpackage.json'])
      expect((await api.app.inject(url)).body).not.toContain('"dependencies"')
  })
})

describe('what is told', () => {
  test('of a webhook secret, a key or a provider is nothing, whoever asks and whatever fails', async () => {
    const secret = `whsec_${Buffer.from(CANARY.repeat(3)).toString('base64')}`
    expect((await api.send('PATCH', '/v1/tenants/default', { body: { config: { webhook: { secret } } } })).statusCode).toBe(200)
    const wrong = { config: { webhook: { secret: `${secret}!` } } }
    const bodies = [
      (await api.get('/v1/tenants/default')).body,
      (await api.send('PATCH', '/v1/tenants/default', { body: { name: 'again' } })).body,
      (await api.send('PATCH', '/v1/tenants/default', { body: wrong })).body,
      (await api.get('/v1/tenants/default/keys')).body,
      JSON.stringify(await api.database.asSystem('test', 'SELECT * FROM audit_log')),
    ]
    for (const body of bodies) {
      expect(body).not.toContain(secret)
      expect(body).not.toContain(keyOf('admin'))
    }
  })

  test('to a log of a key, a token or an address with a password is nothing, even when a caller forgets', () => {
    let written = ''
    const destination = new Writable({
      write(chunk, _encoding, done) {
        written += String(chunk)
        done()
      },
    })
    const log = createLog({ level: 'debug', destination })
    const key = `al_${'k'.repeat(43)}`
    log.error({ authorization: `Bearer ${key}`, apiKey: key, headers: { authorization: key }, webhookSecret: key }, 'x')
    log.error({ databaseUrl: `postgres://u:${key}@db/x`, nested: [{ token: key, body: key, password: key }] }, 'y')
    log.child({ accessToken: key }).warn({ answer: key, requester: { id: key } }, 'z')
    expect(written.split('\n').length).toBeGreaterThan(3)
    expect(written).not.toContain(key)
  })

  test('to a log by the API while requests with keys succeed and fail is no key', async () => {
    const before = JSON.stringify(api.log).length
    await api.get('/v1/usage')
    await api.get('/v1/usage', { key: 'al_wrong-key-of-somebody' })
    await api.post('/v1/tickets', '{"broken', { headers: { 'content-type': 'application/json' } })
    const logged = JSON.stringify(api.log)
    expect(logged.length).toBeGreaterThanOrEqual(before)
    for (const key of [ADMIN_KEY, 'al_wrong-key-of-somebody', keyOf('admin')]) expect(logged).not.toContain(key)
  })

  test('to roles that may not read tickets is no word of a customer, in no fact, decided about or not', () => {
    const filled = {
      text: CANARY,
      deep: [{ list: [CANARY] }],
      subject: CANARY,
      body: CANARY,
      history: [{ role: 'customer', text: CANARY }],
    }
    const requester = { id: 'c-1', email: CANARY, name: CANARY }
    const facts = {
      ticket: { id: 'tkt_1', ...filled, deep: undefined, text: undefined, requester },
      anything: filled,
      other: CANARY,
    }
    expect(JSON.stringify(maskFacts(facts))).not.toContain(CANARY)
    expect(JSON.stringify(maskFacts({ anything: { count: 7 } }))).toContain('7')
  })

  test('to a narrower role under a wider one’s idempotency key is not what the wider one saw', async () => {
    const headers = { 'idempotency-key': 'search-by-an-agent' }
    const body = { query: 'x', filters: { audiences: ['internal'] } }
    expect((await api.post('/v1/search', body, { key: keyOf('agent'), headers })).statusCode).toBe(200)
    expect(problemIn(await api.post('/v1/search', body, { key: keyOf('read'), headers })).status).toBe(422)
    expect(problemIn(await api.post('/v1/search', body, { key: keyOf('read') })).status).toBe(403)
  })
})
