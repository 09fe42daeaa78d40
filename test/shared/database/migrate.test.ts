import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Database } from '#shared/database/client.ts'
import { migrate } from '#shared/database/migrate.ts'
import { onEveryDatabase } from '#test/servers/databases.ts'

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
    await expect(migrate(database(), folderOf({ ...good, ...bad }))).rejects.toThrow(
      /migration 9002-bad\.sql failed: .*division by zero/,
    )
    expect(await has(database(), 'kept')).toBe(true)
    expect(await has(database(), 'half')).toBe(false)
    expect((await applied(database())).map((row) => row.name).filter((name) => String(name).startsWith('9'))).toEqual([
      '9001-good.sql',
    ])

    await migrate(database(), folderOf({ ...good, '9002-bad.sql': 'CREATE TABLE half (n int);' }))
    expect(await has(database(), 'half')).toBe(true)
    expect(await database().asSystem('a test', 'SELECT count(*) AS n FROM kept')).toEqual([{ n: 1 }])
  })
}

onEveryDatabase(suite, { migrated: false })
