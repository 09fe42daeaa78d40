import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, keyOf, problemIn, startApi } from './start-api.ts'

let api: Api
beforeAll(async () => {
  api = await startApi()
}, 60_000)
afterAll(() => api.close())

test('a tenant is added with a configuration that has every default, and once', async () => {
  const made = await api.post('/v1/tenants', { id: 'acme', name: 'Acme', config: { limits: { ticketsPerMinute: 7 } } })
  expect(made.statusCode).toBe(201)
  expect(made.json()).toMatchObject({
    id: 'acme',
    config: { limits: { ticketsPerMinute: 7, maxBacklog: 100_000 }, policies: { cache: true } },
  })
  expect(problemIn(await api.post('/v1/tenants', { id: 'acme', name: 'Acme' }))).toMatchObject({
    status: 409,
    code: 'tenant-exists',
  })
  expect(problemIn(await api.post('/v1/tenants', { id: 'Not Good', name: 'x' }))).toMatchObject({ status: 422 })
  expect(problemIn(await api.get('/v1/tenants/nobody')).status).toBe(404)
})

test('a change names settings; the others stay, null takes one back to its default, and a wrong one is named', async () => {
  const patch = (config: unknown) => api.send('PATCH', '/v1/tenants/other', { body: { config } })
  await patch({ policies: { cache: false }, limits: { searchesPerMinute: 5 } })
  const both = (await patch({ policies: { blockInjectionAt: 0.5 } })).json().config
  expect(both).toMatchObject({ policies: { cache: false, blockInjectionAt: 0.5 }, limits: { searchesPerMinute: 5 } })
  expect((await patch({ policies: { cache: null } })).json().config.policies.cache).toBe(true)
  expect(problemIn(await patch({ policies: { cash: true } })).errors).toEqual([
    { field: 'config.policies.cash', message: expect.any(String) },
  ])
  expect(problemIn(await patch({ limits: 7 })).errors![0]!.field).toBe('config.limits')
  expect(problemIn(await patch({ limits: { maxBacklog: -1 } })).errors![0]!.field).toBe('config.limits.maxBacklog')
})

test('models are chosen from those that are pinned and priced; others are refused by name', async () => {
  const patch = (models: unknown) => api.send('PATCH', '/v1/tenants/other', { body: { config: { models } } })
  const good = await patch({ tiers: { openai: { cheap: 'gpt-5.6-luna' } }, chains: { generate: ['anthropic', 'extractive'] } })
  expect(good.json().config.models).toMatchObject({ chains: { generate: ['anthropic', 'extractive'] }, cascade: true })
  const unknown = problemIn(await patch({ tiers: { openai: { cheap: 'gpt-6-latest' } } }))
  expect([unknown.status, unknown.errors![0]!.field]).toEqual([422, 'config.models.tiers.openai.cheap'])
  expect(problemIn(await patch({ chains: { generate: ['azure'] } })).errors![0]!.field).toBe('config.models.chains.generate.0')
})

test('a webhook secret goes in and does not come out', async () => {
  const secret = 'whsec_0123456789abcdef0123456789abcdef'
  const changed = await api.send('PATCH', '/v1/tenants/other', { body: { config: { webhook: { secret } } } })
  expect(changed.json().config.webhook).toMatchObject({ secretSet: true })
  expect(changed.body + (await api.get('/v1/tenants/other')).body).not.toContain(secret)
  expect((await api.deps.tenants.get('other'))?.config.webhook.secret).toBe(secret)
})

test('a tenant’s admin looks after its own tenant, but neither its limits nor others', async () => {
  const admin = { key: keyOf('admin') }
  expect((await api.get('/v1/tenants/default', admin)).statusCode).toBe(200)
  expect(problemIn(await api.get('/v1/tenants/other', admin)).status).toBe(404)
  expect(problemIn(await api.post('/v1/tenants', { id: 'mine', name: 'Mine' }, admin)).status).toBe(403)
  const patch = (config: unknown) => api.send('PATCH', '/v1/tenants/default', { ...admin, body: { config } })
  expect((await patch({ policies: { cache: true } })).statusCode).toBe(200)
  expect(problemIn(await patch({ limits: { ticketsPerMinute: 999_999 } })).status).toBe(403)
  expect(problemIn(await api.post('/v1/tenants/other/keys', { name: 'x', roles: ['read'] }, admin)).status).toBe(404)
})

test('a key is shown once, works with its roles, is stored as a hash, and stops when it is revoked', async () => {
  const { key, id } = (await api.post('/v1/tenants/default/keys', { name: 'shop', roles: ['ingest'] })).json()
  expect(key).toMatch(/^al_[A-Za-z0-9_-]{43}$/)
  expect((await api.post('/v1/tickets', { body: 'hi' }, { key })).statusCode).toBe(202)
  expect((await api.get('/v1/usage', { key })).statusCode).toBe(403)
  const listed = await api.get('/v1/tenants/default/keys')
  expect(listed.json().keys.map((one: { id: string }) => one.id)).toContain(id)
  expect(listed.body).not.toContain(key)
  const stored = JSON.stringify(
    await api.database.asSystem('test', "SELECT id, name, encode(key_hash, 'escape') AS h FROM api_keys"),
  )
  expect(stored).not.toContain(key)
  expect((await api.send('DELETE', `/v1/tenants/default/keys/${id}`)).statusCode).toBe(204)
  expect(problemIn(await api.post('/v1/tickets', { body: 'hi' }, { key })).status).toBe(401)
  expect((await api.send('DELETE', `/v1/tenants/default/keys?keyId=${id}`)).statusCode).toBe(404)
})

test('a key may end by itself, in the future only', async () => {
  const expiresAt = (ms: number) => new Date(api.clock.now().getTime() + ms).toISOString()
  expect(
    problemIn(await api.post('/v1/tenants/default/keys', { name: 'x', roles: ['read'], expiresAt: expiresAt(-1) })).errors![0]!
      .field,
  ).toBe('expiresAt')
  const { key } = (
    await api.post('/v1/tenants/default/keys', { name: 'x', roles: ['read'], expiresAt: expiresAt(60_000) })
  ).json()
  expect((await api.get('/v1/usage', { key })).statusCode).toBe(200)
  api.clock.advance(60_001)
  expect((await api.get('/v1/usage', { key })).statusCode).toBe(401)
})

test('a repeat under an idempotency key shows the same new key, and the table does not give it away', async () => {
  const headers = { 'idempotency-key': 'new-key-1' }
  const make = (key?: string) =>
    api.post('/v1/tenants/default/keys', { name: 'twice', roles: ['read'] }, { headers, ...(key ? { key } : {}) })
  const [first, again] = [await make(), await make()]
  expect(first.statusCode).toBe(201)
  expect(again.body).toBe(first.body)
  expect(again.headers['idempotency-replayed']).toBe('true')
  const kept = JSON.stringify(await api.database.asSystem('test', 'SELECT response FROM idempotency_keys'))
  expect(kept).not.toContain(first.json().key)
  expect(problemIn(await make(keyOf('admin')))).toMatchObject({ status: 409, code: 'idempotency-key-of-another-caller' })
})

test('other posts keep their keys, too: replayed for the same body, refused for another, free again after a refusal', async () => {
  const create = (body: object) => api.post('/v1/tenants', body, { headers: { 'idempotency-key': 'tenant-1' } })
  expect((await create({ id: 'bad id', name: 'x' })).statusCode).toBe(422)
  const first = await create({ id: 'keyed', name: 'Keyed' })
  expect(first.statusCode).toBe(201)
  expect((await create({ id: 'keyed', name: 'Keyed' })).body).toBe(first.body)
  expect(problemIn(await create({ id: 'keyed-2', name: 'Keyed' }))).toMatchObject({ status: 422, code: 'idempotency-key-reused' })
  const elsewhere = await api.post('/v1/search', { query: 'x' }, { headers: { 'idempotency-key': 'tenant-1' } })
  expect(problemIn(elsewhere)).toMatchObject({ status: 422, code: 'idempotency-key-reused' })
})

test('a request in flight holds its key; after a minute without an answer its process is taken for dead', async () => {
  const { idempotency, clock } = api.deps
  expect((await idempotency.claim('default', 'stuck', 'POST /v1/search', 'other-hash', clock.now())).kind).toBe('first')
  const search = () => api.post('/v1/search', { query: 'x' }, { headers: { 'idempotency-key': 'stuck' } })
  expect(problemIn(await search()).status).toBe(422)
  const hold = async (key: string) => {
    const release = Promise.withResolvers<void>()
    const slow = await startApi(
      { searcher: { search: () => release.promise.then(() => ({ passages: [], evidence: 0, failedLegs: [] })) } },
      api.database,
    )
    const first = slow.post('/v1/search', { query: 'slow' }, { headers: { 'idempotency-key': key } })
    await expect
      .poll(async () => (await api.database.asSystem('test', 'SELECT 1 FROM idempotency_keys WHERE key = $1', [key])).length)
      .toBe(1)
    return { slow, first, release }
  }
  const { slow, first, release } = await hold('held')
  const again = () => slow.post('/v1/search', { query: 'slow' }, { headers: { 'idempotency-key': 'held' } })
  const refused = await again()
  expect(problemIn(refused)).toMatchObject({ status: 409, code: 'idempotency-key-in-flight' })
  slow.clock.advance(60_001)
  const takenOver = again()
  release.resolve()
  expect([(await first).statusCode, (await takenOver).statusCode]).toEqual([200, 200])
  expect((await again()).headers['idempotency-replayed']).toBe('true')
  await slow.close()
})

test('keys of yesterday are cleared away', async () => {
  const yesterday = new Date(api.clock.now().getTime() - 25 * 3_600_000)
  await api.deps.idempotency.claim('default', 'yesterday', 'r', 'h', yesterday)
  await api.deps.idempotency.claim('default', 'today', 'r', 'h', api.clock.now())
  const tidy = await startApi({ limits: { forgetKeysEveryMs: 20 } }, api.database)
  const left = async () =>
    (await api.database.asSystem('test', "SELECT key FROM idempotency_keys WHERE key IN ('yesterday', 'today')")).map(
      ({ key }) => key,
    )
  await expect.poll(left).toEqual(['today'])
  await tidy.close()
})

test('what administrators do is written down without what they were told', async () => {
  const rows = await api.database.asSystem('test', 'SELECT actor, action FROM audit_log')
  const actions = new Set(rows.map(({ action }) => action))
  for (const action of ['tenant.created', 'tenant.changed', 'key.created', 'key.revoked']) expect(actions).toContain(action)
  expect(new Set(rows.map(({ actor }) => actor))).toEqual(new Set(['admin', 'key_default-admin']))
})

test('what a tenant may spend in all is the installation’s to say: its own admin can neither lift, drop nor reset it', async () => {
  const patch = (config: unknown, key?: string) =>
    api.send('PATCH', '/v1/tenants/default', { ...(key ? { key } : {}), body: { config } })
  expect((await patch({ budgets: { tenant: { dayUsd: 5 } } })).statusCode).toBe(200)
  const admin = keyOf('admin')
  for (const budgets of [
    { tenant: { dayUsd: 900 } },
    { tenant: {} },
    { tenant: null },
    null,
    { tenant: { dayUsd: 5, monthUsd: 9 } },
  ])
    expect(problemIn(await patch({ budgets }, admin)).status, JSON.stringify(budgets)).toBe(403)
  expect((await patch({ budgets: { conversationUsd: 0.2 } }, admin)).json().config.budgets).toMatchObject({
    conversationUsd: 0.2,
    tenant: { dayUsd: 5 },
  })
})
