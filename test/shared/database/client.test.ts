import { expect, test } from 'vitest'
import { Database, type Row, type SqlEngine } from '#shared/database/client.ts'

function recordingEngine() {
  const asked: { sql: string; params: readonly unknown[]; name: string | undefined }[] = []
  let closed = false
  const engine: SqlEngine = {
    kind: 'pglite',
    async query(sql, params, name): Promise<Row[]> {
      asked.push({ sql, params, name })
      return [{ answer: 42 }]
    },
    async close() {
      closed = true
    },
  }
  return { database: new Database(engine), asked, isClosed: () => closed }
}

test('refuses a statement that does not name its tenant, before it reaches the server', async () => {
  const { database, asked } = recordingEngine()
  for (const sql of [
    'SELECT * FROM tickets',
    'SELECT * FROM tickets WHERE id = $1',
    'SELECT * FROM tickets WHERE tenant_id = $2',
    'SELECT * FROM tickets WHERE tenant_id = $10',
  ]) {
    await expect(database.forTenant('acme', sql, ['x']), sql).rejects.toThrow(/must name its tenant/)
  }
  expect(asked).toEqual([])
})

test('puts the tenant in front of the parameters and hands the rows back', async () => {
  const { database, asked } = recordingEngine()
  const rows = await database.forTenant('acme', 'SELECT 42 AS answer FROM t WHERE tenant_id = $1 AND id = $2', ['x'], 'find')
  expect(rows).toEqual([{ answer: 42 }])
  expect(asked).toMatchObject([{ params: ['acme', 'x'], name: 'find' }])
})

test('refuses a system statement that does not say why it names no tenant', async () => {
  const { database, asked } = recordingEngine()
  await expect(database.asSystem('', 'SELECT 1')).rejects.toThrow(/say why/)
  expect(asked).toEqual([])
  expect(await database.asSystem('readiness', 'SELECT 42 AS answer', [1])).toEqual([{ answer: 42 }])
  expect(asked).toMatchObject([{ sql: 'SELECT 42 AS answer', params: [1] }])
})

test('closes its engine', async () => {
  const { database, isClosed } = recordingEngine()
  await database.close()
  expect(isClosed()).toBe(true)
})
