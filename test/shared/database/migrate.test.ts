import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { Database } from '#shared/database/client.ts'
import { openPostgres } from '#shared/database/engine.postgres.ts'
import { migrate } from '#shared/database/migrate.ts'
import { onEveryDatabase, onPostgres } from '#test/servers/databases.ts'

const folders: string[] = []
function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'))
  folders.push(folder)
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(folder, name), sql)
  return folder
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const has = async (database: Database, table: string) =>
  (await database.asSystem('a test', 'SELECT to_regclass($1) IS NOT NULL AS has', [table]))[0]!.has
const applied = (database: Database) => database.asSystem('a test', 'SELECT name, applied_at FROM migrations ORDER BY name')

function suite(database: () => Database): void {
  test('every migration is applied once, in order, also when several start together and when it is asked for again', async () => {
    await Promise.all([migrate(database()), migrate(database()), migrate(database()), migrate(database())])
    const first = await applied(database())
    const folder = join(import.meta.dirname, '../../../shared/database/migrations')
    const files = readdirSync(folder).filter((name) => name.endsWith('.sql'))
    expect(first.map((row) => row.name)).toEqual(files.toSorted())
    for (const table of ['attempts', 'documents', 'runs', 'tickets']) expect(await has(database(), table), table).toBe(true)
    await migrate(database())
    expect(await applied(database())).toEqual(first)
  })

  test('a failing migration says which it is, leaves nothing of itself, keeps those before it, and can be tried again', async () => {
    const good = { '9001-good.sql': 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (1); -- ends in a comment' }
    const bad = { '9002-bad.sql': 'CREATE TABLE half (n int); INSERT INTO half VALUES (1 / 0);' }
    await expect(migrate(database(), { folder: folderOf({ ...good, ...bad }) })).rejects.toThrow(
      /migration 9002-bad\.sql failed: .*division by zero/,
    )
    expect(await has(database(), 'kept')).toBe(true)
    expect(await has(database(), 'half')).toBe(false)
    expect((await applied(database())).map((row) => row.name).filter((name) => String(name).startsWith('9'))).toEqual([
      '9001-good.sql',
    ])

    await migrate(database(), { folder: folderOf({ ...good, '9002-bad.sql': 'CREATE TABLE half (n int);' }) })
    expect(await has(database(), 'half')).toBe(true)
    expect(await database().asSystem('a test', 'SELECT count(*) AS n FROM kept')).toEqual([{ n: 1 }])
  })
}

onEveryDatabase(suite, { migrated: false })

onPostgres((url) => {
  test('a table that something else holds is not waited for in front of everybody, but tried again', async () => {
    const engine = openPostgres(url())
    const database = new Database(engine)
    const other = new pg.Client({ connectionString: url() })
    await other.connect()
    try {
      await migrate(database, { folder: folderOf({ '9001-held.sql': 'CREATE TABLE held (n int);' }) })
      await other.query('BEGIN; SELECT count(*) FROM held')
      const folder = folderOf({ '9001-held.sql': '', '9002-alters.sql': 'ALTER TABLE held ADD m int;' })
      await expect(migrate(database, { folder, patienceMs: 0 })).rejects.toThrow(
        /9002-alters\.sql failed: .*lock timeout.*start again/,
      )
      const said: string[] = []
      const later = migrate(database, { folder, say: (line) => said.push(line) })
      setTimeout(() => void other.query('COMMIT'), 3_000)
      await later
      expect(said.join()).toContain('in use')
      expect(await database.asSystem('a test', 'SELECT m FROM held')).toEqual([])
    } finally {
      await other.end()
      await database.close()
    }
  }, 30_000)
})
