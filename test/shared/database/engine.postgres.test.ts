import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SqlEngine } from '#shared/database/client.ts'
import { openPostgres } from '#shared/database/engine.postgres.ts'
import { postgresBin, startPostgres, type TestPostgres } from '#test/servers/postgres.ts'

describe.skipIf(postgresBin === undefined)('on a PostgreSQL server (needs its server binaries)', () => {
  let server: TestPostgres
  let engine: SqlEngine
  const errors: Error[] = []
  beforeAll(async () => {
    server = await startPostgres()
    engine = openPostgres(await server.createDatabase('plain'), { onError: (error) => errors.push(error), maxConnections: 3 })
  })
  afterAll(async () => {
    await engine.close()
    await server.stop()
  })

  test('reads counters and money as numbers, moments as dates, JSON as values', async () => {
    const sql = 'SELECT $1::bigint AS big, $2::numeric AS cost, $3::timestamptz AS at, $4::jsonb AS body'
    expect(await engine.query(sql, [2 ** 40, 0.12345678, new Date(5), '{"a":[1]}'], 'named')).toEqual([
      { big: 2 ** 40, cost: 0.12345678, at: new Date(5), body: { a: [1] } },
    ])
  })

  test('a connection that the server breaks off is reported, as an error or to whoever asks next, and replaced', async () => {
    await Promise.all([1, 2, 3].map(() => engine.query('SELECT pg_sleep(0.05)', [])))
    expect(await server.terminateBackends()).toBeGreaterThan(0)
    // The pool learns of each loss by itself: until it has, a caller may still be handed a lost one, and is told that time heals it.
    const refused: unknown[] = []
    const ask = () => engine.query('SELECT 1 AS one', []).catch((error) => void refused.push(error))
    await expect.poll(ask, { timeout: 10_000 }).toEqual([{ one: 1 }])
    await expect.poll(() => errors.length + refused.length, { timeout: 10_000 }).toBeGreaterThan(0)
    for (const error of refused) expect(error).toMatchObject({ failure: { kind: 'retryable', code: 'database-unavailable' } })
  })

  test('a statement that breaks is an error, and the next one works', async () => {
    await expect(engine.query('SELECT 1 / 0', [])).rejects.toThrow(/division by zero/)
    expect(await engine.query('SELECT 1 AS one', [])).toEqual([{ one: 1 }])
  })

  test('a server that is not there is an error within seconds, not a hang', async () => {
    const nowhere = openPostgres('postgres://nobody@127.0.0.1:9/none')
    await expect(nowhere.query('SELECT 1', [])).rejects.toThrow(/ECONNREFUSED/)
    await nowhere.close()
  })
})
