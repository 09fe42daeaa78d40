import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createIdempotencyStore } from '#shared/adapters/state/idempotency-store.postgres.ts'
import { createTenantStore } from '#shared/adapters/state/tenant-store.postgres.ts'
import { createTicketStore } from '#shared/adapters/state/ticket-store.postgres.ts'
import { Database, type SqlEngine } from '#shared/database/client.ts'
import { openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { migrate } from '#shared/database/migrate.ts'
import { TenantConfig } from '#shared/domain/tenant.ts'
import type { NewRun } from '#shared/ports/run-log.ts'
import type { Arrival } from '#shared/ports/ticket-store.ts'
import { onEveryDatabase } from '#test/servers/databases.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const later = (ms: number) => new Date(NOW.getTime() + ms)
const DAY_MS = 86_400_000

/** Counts statements by name and can fail the next one, as a connection that breaks does. */
function watched(engine: SqlEngine) {
  const statements: string[] = []
  let failures: { after: boolean }[] = []
  const watching: SqlEngine = {
    kind: engine.kind,
    async query(sql, params, name) {
      statements.push(name ?? sql.trim().split(/\s+/).slice(0, 2).join(' '))
      const failure = name === 'ticket-accept' ? failures.shift() : undefined
      if (failure && !failure.after) throw new Error('Connection terminated unexpectedly')
      const rows = await engine.query(sql, params, name)
      if (failure) throw new Error('Connection terminated unexpectedly')
      return rows
    },
    close: () => engine.close(),
  }
  return {
    engine: watching,
    statements,
    failNext: (after: boolean) => {
      failures = [{ after }]
    },
  }
}

let engine: ReturnType<typeof watched>
let database: Database
beforeAll(async () => {
  engine = watched(await openPgliteInMemory())
  database = new Database(engine.engine)
  await migrate(database)
}, 60_000)
afterAll(() => database.close())
beforeEach(() => {
  engine.statements.length = 0
})

let names = 0
function arrival(options: { key?: string; tenantId?: string; hash?: string; at?: Date; id?: string } = {}): Arrival {
  const { key, tenantId = 'default', hash = 'h', at = NOW, id = `n${++names}` } = options
  const run: NewRun = {
    id: `run_${id}`,
    tenantId,
    pipeline: 'support-ticket',
    version: 1,
    subjectId: `tkt_${id}`,
    traceId: 't',
    state: {
      status: 'queued',
      step: 'screen',
      seq: 0,
      attempt: 1,
      visits: { screen: 1 },
      loops: {},
      rescues: 0,
      deadlineAt: later(1_000),
      lane: 'standard',
    },
    given: { ticket: { body: 'x' } },
    createdAt: at,
  }
  const ticket = {
    id: `tkt_${id}`,
    tenantId,
    conversationId: `cnv_${id}`,
    subject: '',
    body: 'x',
    channel: 'api',
    requester: { id: 'u' },
    tier: 'standard',
    lane: 'standard',
    receivedAt: at.toISOString(),
  } as const
  return {
    ticket,
    run,
    ...(key ? { idempotency: { key, route: 'r', bodyHash: hash } } : {}),
  }
}
const has = async (table: string, id: string) =>
  (await database.asSystem('test', `SELECT 1 FROM ${table} WHERE id = $1`, [id])).length > 0

describe('accepting tickets', () => {
  test('ticket, run and log appear together, many arrivals in one statement', async () => {
    const store = createTicketStore(database)
    const arrivals = Array.from({ length: 40 }, () => arrival())
    expect((await Promise.all(arrivals.map(store.accept))).every(({ kind }) => kind === 'accepted')).toBe(true)
    expect(new Set(engine.statements)).toEqual(new Set(['ticket-accept']))
    expect(engine.statements.length).toBeLessThan(arrivals.length / 4)
    for (const { ticket, run } of arrivals)
      expect([await has('tickets', ticket.id), await has('runs', run.id)]).toEqual([true, true])
    const log = await database.asSystem('test', 'SELECT result, facts_written FROM attempts WHERE run_id = $1', [
      arrivals[0]!.run.id,
    ])
    expect(log).toEqual([{ result: 'accepted', facts_written: { ticket: { body: 'x' } } }])
  })

  test('of several with one key in one batch the first is accepted and the others get its response', async () => {
    const store = createTicketStore(database)
    const [first, second, other] = [arrival({ key: 'k1' }), arrival({ key: 'k1' }), arrival({ key: 'k1', hash: 'else' })]
    const kinds = await Promise.all([first, second, other].map(store.accept))
    expect(kinds).toEqual([
      { kind: 'accepted' },
      { kind: 'replayed', ticketId: first.ticket.id, runId: first.run.id },
      { kind: 'mismatch' },
    ])
    expect([await has('tickets', second.ticket.id), await has('runs', second.run.id)]).toEqual([false, false])
  })

  test('many with one key do not wait for themselves, however few statements may run at once', async () => {
    const store = createTicketStore(database, { maxItems: 2, maxInFlight: 1 })
    const all = Array.from({ length: 12 }, (_, i) => arrival({ key: i % 2 ? 'even' : 'odd' }))
    const kinds = (await Promise.all(all.map(store.accept))).map(({ kind }) => kind)
    expect(kinds.toSorted()).toEqual(['accepted', 'accepted', ...Array(10).fill('replayed')])
  })

  test('keys of two tenants are two keys', async () => {
    const store = createTicketStore(database)
    const both = [arrival({ key: 'k2' }), arrival({ key: 'k2', tenantId: 'other' })]
    expect((await Promise.all(both.map(store.accept))).map(({ kind }) => kind)).toEqual(['accepted', 'accepted'])
  })

  test('a key claimed elsewhere and not settled is in flight', async () => {
    await createIdempotencyStore(database).claim('default', 'k3', 'r', 'h', NOW)
    expect(await createTicketStore(database).accept(arrival({ key: 'k3' }))).toEqual({ kind: 'in-flight' })
  })

  test('after a day a key is free, but an id that is there already makes no second ticket', async () => {
    const store = createTicketStore(database)
    await store.accept(arrival({ key: 'k4', id: 'again' }))
    expect((await store.accept(arrival({ key: 'k4', at: later(DAY_MS - 1) }))).kind).toBe('replayed')
    const same = arrival({ key: 'k4', id: 'again', at: later(DAY_MS + 1) })
    expect((await store.accept(same)).kind).toBe('accepted')
    expect(await database.asSystem('test', "SELECT count(*) AS n FROM tickets WHERE id = 'tkt_again'")).toEqual([{ n: 1 }])
    expect((await store.accept(arrival({ key: 'k4', hash: 'new', at: later(2 * DAY_MS + 2) }))).kind).toBe('accepted')
  })

  test('keys that earlier versions kept with the whole response or both ids are replayed as well, beside new ones', async () => {
    const body = '{"ticketId":"tkt_old","runId":"run_old","status":"accepted","links":{}}'
    const keep = (key: string, response: unknown) =>
      database.forTenant(
        'default',
        "INSERT INTO idempotency_keys (tenant_id, key, route, body_hash, response, created_at) VALUES ($1, $2, 'r', 'h', $3, $4)",
        [key, JSON.stringify(response), NOW],
      )
    await keep('old', { status: 202, body })
    await keep('ids', { ticketId: 'tkt_mid', runId: 'run_mid' })
    await keep('no-run', 'run_gone')
    await keep('spoilt', { body: null })
    await keep('no-json', { status: 202, body: '{"ticketId":' })
    const store = createTicketStore(database)
    const arrivals = ['new-1', 'old', 'ids', 'no-run', 'spoilt', 'no-json', 'new-2'].map((key) => arrival({ key }))
    expect(await Promise.all(arrivals.map(store.accept))).toEqual([
      { kind: 'accepted' },
      { kind: 'replayed', ticketId: 'tkt_old', runId: 'run_old' },
      { kind: 'replayed', ticketId: 'tkt_mid', runId: 'run_mid' },
      { kind: 'in-flight' },
      { kind: 'in-flight' },
      { kind: 'in-flight' },
      { kind: 'accepted' },
    ])
  })

  test.each([false, true])(
    'a connection that breaks (after the commit: %s) neither loses nor doubles a ticket',
    async (after) => {
      const store = createTicketStore(database)
      const arrivals = [arrival(), arrival({ key: `broken-${after}` }), arrival()]
      engine.failNext(after)
      const kinds = (await Promise.all(arrivals.map(store.accept))).map(({ kind }) => kind)
      expect(kinds).toEqual(['accepted', 'accepted', 'accepted'])
      if (after) expect(engine.statements).toContain('ticket-accept-again')
      for (const { ticket } of arrivals) expect(await has('tickets', ticket.id)).toBe(true)
    },
  )

  test('is found by its own tenant only', async () => {
    const store = createTicketStore(database)
    const one = arrival()
    await store.accept(one)
    expect(await store.find('default', one.ticket.id)).toMatchObject({
      runId: one.run.id,
      conversationId: one.ticket.conversationId,
      createdAt: NOW,
    })
    expect(await store.find('other', one.ticket.id)).toBeUndefined()
  })
})

onEveryDatabase((everyDatabase) => {
  test('arrivals that come again beside new ones are accepted again, and nothing is there twice', async () => {
    const there = [arrival(), arrival({ key: `there-${++names}` })]
    const send = (arrivals: readonly Arrival[]) => Promise.all(arrivals.map(createTicketStore(everyDatabase()).accept))
    const kinds = async (arrivals: readonly Arrival[]) => (await send(arrivals)).map(({ kind }) => kind)
    expect(await kinds(there)).toEqual(['accepted', 'accepted'])
    expect(await kinds([arrival(), there[0]!, arrival({ key: `new-${++names}` }), there[1]!, arrival()])).toEqual(
      Array(5).fill('accepted'),
    )
    const again = { ...arrival(), idempotency: there[1]!.idempotency! }
    expect(await send([again])).toEqual([{ kind: 'replayed', ticketId: there[1]!.ticket.id, runId: there[1]!.run.id }])
    for (const table of ['tickets', 'runs', 'attempts'])
      expect(await everyDatabase().asSystem('test', `SELECT count(*) AS n FROM ${table}`), table).toEqual([{ n: 5 }])
  })
})

describe('idempotency keys', () => {
  test('the first claims, others wait for its response and get it', async () => {
    const store = createIdempotencyStore(database)
    const claim = (hash = 'h', at = NOW) => store.claim('default', 'i1', 'r', hash, at)
    expect((await Promise.all([claim(), claim(), claim()])).map(({ kind }) => kind).toSorted()).toEqual([
      'first',
      'in-flight',
      'in-flight',
    ])
    expect((await claim('other')).kind).toBe('mismatch')
    await store.settle('default', 'i1', { status: 200, body: 'x' })
    expect(await claim()).toEqual({ kind: 'replayed', response: { status: 200, body: 'x' } })
    expect((await store.claim('other', 'i1', 'r', 'h', NOW)).kind).toBe('first')
  })

  test('a released key is free, a settled one is not released', async () => {
    const store = createIdempotencyStore(database)
    const claim = () => store.claim('default', 'i2', 'r', 'h', NOW)
    await claim()
    await store.release('default', 'i2')
    expect((await claim()).kind).toBe('first')
    await store.settle('default', 'i2', 'done')
    await store.release('default', 'i2')
    expect((await claim()).kind).toBe('replayed')
  })

  test('a claim of a process that died is taken over after a minute by the same request only, a settled one is kept for a day', async () => {
    const store = createIdempotencyStore(database)
    const claim = (hash: string, ms: number) => store.claim('default', 'i3', 'r', hash, later(ms))
    await claim('h', 0)
    expect((await claim('h', 59_000)).kind).toBe('in-flight')
    expect((await claim('other', 61_000)).kind).toBe('mismatch')
    expect((await claim('h', 61_000)).kind).toBe('first')
    await store.settle('default', 'i3', 'done')
    expect((await claim('h', 61_000 + DAY_MS - 1)).kind).toBe('replayed')
    expect((await claim('other', 61_000 + DAY_MS + 1)).kind).toBe('first')
  })

  test('old ones are forgotten', async () => {
    const store = createIdempotencyStore(database)
    await store.claim('default', 'i4', 'r', 'h', later(-10 * DAY_MS))
    expect(await store.forgetBefore(later(-9 * DAY_MS))).toBe(1)
    expect(await store.forgetBefore(later(-9 * DAY_MS))).toBe(0)
  })
})

describe('tenants and keys', () => {
  test('what was read is served for a while, what this process changed is seen at once', async () => {
    const store = createTenantStore(database)
    const tenant = { id: 't1', name: 'One', config: TenantConfig.parse({}), createdAt: NOW }
    expect(await store.get('t1')).toBeUndefined()
    expect(await store.create(tenant)).toBe(true)
    expect(await store.create(tenant)).toBe(false)
    expect(await store.get('t1')).toEqual(tenant)
    engine.statements.length = 0
    await Promise.all([store.get('t1'), store.get('t1')])
    expect(engine.statements).toEqual([])
    expect((await store.update('t1', { name: 'Uno' }))?.name).toBe('Uno')
    expect((await store.get('t1'))?.name).toBe('Uno')
  })

  test('askers that come together share one read, and a failed read is not remembered', async () => {
    const store = createTenantStore(database)
    await Promise.all([store.get('default'), store.get('default'), store.get('default')])
    expect(engine.statements).toEqual(['tenant-get'])
  })

  test('a key is found by its hash until it ends or is revoked; another process forgets it within the time it caches', async () => {
    const store = createTenantStore(database)
    const fresh = createTenantStore(database, { cacheMs: 0 })
    const hash = new Uint8Array(32).fill(7)
    const key = { id: 'key_1', tenantId: 't1', name: 'k', roles: ['read' as const], createdAt: NOW, expiresAt: later(1_000) }
    await store.addKey(key, hash)
    expect(await store.findKey(hash, NOW)).toEqual(key)
    expect(await store.findKey(hash, later(1_000))).toBeUndefined()
    expect(await store.findKey(new Uint8Array(32), NOW)).toBeUndefined()
    expect(await store.keys('other')).toEqual([])
    expect(await store.revokeKey('other', 'key_1', NOW)).toBe(false)
    expect(await fresh.revokeKey('t1', 'key_1', NOW)).toBe(true)
    expect(await fresh.findKey(hash, NOW)).toBeUndefined()
    expect(await store.findKey(hash, NOW), 'cached for seconds').toBeDefined()
  })
})
