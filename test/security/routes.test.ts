import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Role } from '#shared/domain/tenant.ts'
import { type Api, keyOf, problemIn, startApi } from '#test/api/start-api.ts'
import { EVERY_ROUTE, OPEN_ROUTES, type RouteRow, routesOf } from './every-route.ts'

const CANARY = 'quokka-4711'
let api: Api
/** Ids of everything that the tenant `default` has. */
let theirs: string[]
beforeAll(async () => {
  api = await startApi({ webhookSecrets: {} })
  theirs = await fill()
}, 120_000)
afterAll(() => api.close())

/** One of each kind: a ticket that waits for a person, one that died, a document, a set, a key. */
async function fill(): Promise<string[]> {
  const key = keyOf('ingest')
  const sent = { body: `My ${CANARY} is broken`, requester: { id: 'c-1' }, conversationId: 'cnv_theirs' }
  const [waiting, dead] = [await api.post('/v1/tickets', sent, { key }), await api.post('/v1/tickets', sent, { key })]
  const { ticketId, runId } = waiting.json()
  const failure = { kind: 'terminal', code: 'model-refused', message: CANARY } as const
  for (const one of [runId, dead.json().runId]) await api.deps.mover.move(one, { kind: 'failed', failure }, 'test-worker')
  const at = api.clock.now()
  const expiresAt = new Date(at.getTime() + 3_600_000)
  const said = { severity: 'P2', reason: 'asked for', summary: CANARY, evidence: [], createdAt: at, expiresAt }
  await api.deps.escalations.open({ id: 'esc_theirs', tenantId: 'default', runId, ticketId, visit: 1, ...said })
  const letters = await api.deps.runs.deadLetters('default', { limit: 10, open: true })
  const document = (await api.post('/v1/documents', { id: 'doc_theirs', text: CANARY, title: CANARY }, { key })).json()
  const set = await api.post('/v1/document-sets', EVERY_ROUTE['POST /v1/document-sets']!.body, { key })
  const ids = [ticketId, runId, dead.json().ticketId, document.documentId, document.runId, ...letters.map(({ id }) => id)]
  expect(letters.length).toBeGreaterThan(0)
  expect(set.statusCode, set.body).toBe(202)
  return [...ids, set.json().documentSetId, 'esc_theirs', 'key_default-admin', 'cnv_theirs', 'default']
}

const ROWS = Object.entries(EVERY_ROUTE).map(([name, row]) => {
  const [method, path] = name.split(' ') as ['GET' | 'POST' | 'PATCH' | 'DELETE', string]
  return { name, method, path, row }
})
const call = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, row: RouteRow, key: string, headers = {}) =>
  api.send(method, url, {
    key,
    ...(row.body === undefined ? {} : { body: row.body }),
    headers: { ...(row.body === undefined ? {} : { 'content-type': row.type ?? 'application/json' }), ...headers },
  })

describe('every route', () => {
  test('is in the list of who may call what', () => {
    const routes = routesOf(api.app).filter((route) => !route.startsWith('HEAD '))
    const open = routes.filter((route) => OPEN_ROUTES.some((path) => route.split(' ')[1]!.startsWith(path)))
    expect(routes.filter((route) => !open.includes(route)).toSorted()).toEqual(Object.keys(EVERY_ROUTE).toSorted())
  })

  test('asks for a key', async () => {
    for (const { name, method, path, row } of ROWS) {
      const response = await api.app.inject({ method, url: path.replaceAll(/:\w+/g, theirs[0]!) })
      expect([name, response.statusCode]).toEqual([name, 401])
      expect((await call(method, path.replaceAll(/:\w+/g, theirs[0]!), row, 'al_not-a-key')).statusCode, name).toBe(401)
    }
  })

  test('refuses a key of its own tenant that lacks the role', async () => {
    for (const { name, method, path, row } of ROWS)
      for (const role of Role.options.filter((one) => one !== 'admin' && !row.roles.includes(one))) {
        const response = await call(method, path.replaceAll(/:\w+/g, theirs[0]!), row, keyOf(role))
        expect([name, role, response.statusCode]).toEqual([name, role, 403])
      }
  }, 60_000)
})

describe('another tenant', () => {
  test('is refused what its owner is shown: the ids are real', async () => {
    const [ticketId, runId] = theirs as [string, string]
    const set = theirs.find((id) => id.startsWith('set_'))!
    for (const url of [`/v1/tickets/${ticketId}`, `/v1/runs/${runId}`, '/v1/documents/doc_theirs', `/v1/document-sets/${set}`]) {
      expect((await api.get(url, { key: keyOf('read') })).statusCode, url).toBe(200)
      expect((await api.get(url, { key: keyOf('read', 'other') })).statusCode, url).toBe(404)
    }
    expect((await api.get('/v1/escalations', { key: keyOf('agent') })).body).toContain(CANARY)
  })

  test('finds nothing under an id of ours, on any route, with any role, and changes nothing', async () => {
    const before = await everything()
    for (const { name, method, path, row } of ROWS.filter((one) => one.path.includes(':')))
      for (const role of ['admin', ...row.roles.slice(0, 1)] as Role[])
        for (const id of theirs) {
          const url = path.replace(/\/keys\/:keyId$/, '/keys/key_default-admin').replaceAll(/:\w+/g, id)
          const query = name === 'DELETE /v1/tenants/:id/keys' ? '?keyId=key_default-admin' : ''
          const response = await call(method, url + query, row, keyOf(role, 'other'))
          expect(
            row.ownNames ? [200] : [404, 403],
            `${name} ${url} as ${role}: ${response.statusCode} ${response.body.slice(0, 200)}`,
          ).toContain(response.statusCode)
          expect(response.body).not.toContain(CANARY)
        }
    expect(await everything()).toEqual(before)
  }, 120_000)

  test('sees nothing of ours in its lists, and a redrive by our ids takes none', async () => {
    for (const { name, method, path, row } of ROWS.filter((one) => one.method === 'GET' && !one.path.includes(':'))) {
      const response = await call(method, path, row, keyOf('admin', 'other'))
      expect(name === 'GET /v1/batches' ? [403] : [200], name).toContain(response.statusCode)
      for (const id of theirs.filter((one) => one.length > 8)) expect(response.body, name).not.toContain(id)
      expect(response.body, name).not.toContain(CANARY)
    }
    const before = await everything()
    const redriven = await api.post('/v1/dead-letters/redrive', { ids: theirs }, { key: keyOf('operator', 'other') })
    expect(redriven.json().redriven).toBe(0)
    expect(await everything()).toEqual(before)
  })

  test('searches its own knowledge only, whatever it asks for', async () => {
    const key = keyOf('agent', 'other')
    expect((await api.post('/v1/search', { query: CANARY }, { key })).statusCode).toBe(200)
    expect(api.searches.at(-1)!.filter.tenantId).toBe('other')
    for (const smuggled of [{ tenantId: 'default' }, { filters: { tenantId: 'default' } }])
      expect(problemIn(await api.post('/v1/search', { query: CANARY, ...smuggled }, { key })).status).toBe(422)
  })

  test('does not become us by a header: only the installation’s key may name a tenant', async () => {
    for (const role of Role.options)
      for (const { method, path, row } of ROWS.filter((one) => one.row.roles.includes(role)).slice(0, 3)) {
        const headers = { 'x-tenant-id': 'default' }
        const response = await call(method, path.replaceAll(/:\w+/g, theirs[0]!), row, keyOf(role, 'other'), headers)
        expect(response.statusCode, `${method} ${path} as ${role}`).toBe(404)
      }
  })

  test('gets its own response under an idempotency key that we have used, not ours', async () => {
    const headers = { 'idempotency-key': 'same-words-in-both-shops' }
    const body = { body: 'the very same body' }
    const [ours, other] = [
      await api.post('/v1/tickets', body, { key: keyOf('ingest'), headers }),
      await api.post('/v1/tickets', body, { key: keyOf('ingest', 'other'), headers }),
    ]
    expect([ours.statusCode, other.statusCode, other.headers['idempotency-replayed']]).toEqual([202, 202, undefined])
    expect(other.json().ticketId).not.toBe(ours.json().ticketId)
    expect(await api.deps.tickets.find('other', ours.json().ticketId)).toBeUndefined()
  })
})

/** What a stranger could have changed. */
async function everything() {
  const [ticketId, runId] = theirs as [string, string]
  return {
    run: (await api.deps.runs.load(runId))?.seq,
    ticket: await api.deps.tickets.find('default', ticketId),
    feedback: await api.database.asSystem('test', 'SELECT count(*)::int AS n FROM feedback'),
    escalation: await api.deps.escalations.find('default', 'esc_theirs'),
    letters: (await api.deps.runs.deadLetters('default', { limit: 10, open: true })).length,
    document: await api.deps.documents.get('default', 'doc_theirs'),
    keys: await api.deps.tenants.keys('default'),
    tenant: await api.deps.tenants.get('default'),
  }
}
