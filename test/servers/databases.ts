import { afterAll, beforeAll, describe, test } from 'vitest'
import { Database } from '#shared/database/client.ts'
import { openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { openPostgres } from '#shared/database/engine.postgres.ts'
import { migrate } from '#shared/database/migrate.ts'
import { postgresBin, startPostgres, type TestPostgres } from './postgres.ts'

/** Runs the suite on PGlite and, where its binaries are installed, on a PostgreSQL server; one migrated database for all its tests. */
export function onEveryDatabase(suite: (database: () => Database) => void): void {
  describe('on PGlite', () => {
    let database: Database
    beforeAll(async () => {
      database = new Database(await openPgliteInMemory())
      await migrate(database)
    })
    afterAll(() => database.close())
    suite(() => database)
  })
  onPostgres(
    (open) => {
      let database: Database
      beforeAll(async () => {
        database = open('suite')
        await migrate(database)
      })
      afterAll(() => database.close())
      suite(() => database)
    },
    ['suite'],
  )
}

/** Runs the suite on a server of its own with these empty databases; skips visibly where PostgreSQL is not installed. */
export function onPostgres(suite: (open: (name: string) => Database) => void, names: readonly string[]): void {
  if (postgresBin === undefined) {
    test.skip('on PostgreSQL (needs its server binaries)', () => {})
    return
  }
  describe('on PostgreSQL', () => {
    let server: TestPostgres
    const urls = new Map<string, string>()
    beforeAll(async () => {
      server = await startPostgres()
      for (const name of names) urls.set(name, await server.createDatabase(name))
    })
    afterAll(() => server.stop())
    suite((name) => new Database(openPostgres(urls.get(name)!)))
  })
}
