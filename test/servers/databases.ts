import { afterAll, beforeAll, describe, test } from 'vitest'
import { Database, type SqlEngine } from '#shared/database/client.ts'
import { openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { openPostgres } from '#shared/database/engine.postgres.ts'
import { migrate } from '#shared/database/migrate.ts'
import { openMigratedPglite } from './migrated-pglite.ts'
import { postgresBin, startPostgres, type TestPostgres } from './postgres.ts'

/**
 * Runs the suite on PGlite and, where its binaries are installed, on a PostgreSQL server; one database for all tests of a suite.
 */
export function onEveryDatabase(suite: (database: () => Database) => void, { migrated = true } = {}): void {
  const open = (engine: () => Promise<SqlEngine>) => {
    let database: Database
    beforeAll(async () => {
      database = new Database(await engine())
      if (migrated) await migrate(database)
    })
    afterAll(() => database.close())
    suite(() => database)
  }
  describe('on PGlite', () => open(migrated ? openMigratedPglite : openPgliteInMemory))
  onPostgres((url) => open(async () => openPostgres(url())))
}

/** Runs the suite on a server of its own, with an empty database; skips visibly where PostgreSQL is not installed. */
export function onPostgres(suite: (url: () => string) => void): void {
  if (postgresBin === undefined) {
    test.skip('on PostgreSQL (needs its server binaries)', () => {})
    return
  }
  describe('on PostgreSQL', () => {
    let server: TestPostgres
    let url: string
    beforeAll(async () => {
      server = await startPostgres()
      url = await server.createDatabase('suite')
    })
    afterAll(() => server.stop())
    suite(() => url)
  })
}
