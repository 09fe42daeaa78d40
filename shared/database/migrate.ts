import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MigrationError, Umzug } from 'umzug'
import type { Database } from './client.ts'

const FOLDER = join(import.meta.dirname, 'migrations')

/**
 * Brings the tables up to date: the files of `migrations/` in order, each once. Each file becomes one statement (a DO block), so
 * it happens whole or not at all, and an advisory lock keeps processes that start together from getting in each other's way.
 */
export async function migrate(database: Database, folder = FOLDER): Promise<void> {
  const system = (sql: string, params: unknown[] = []) => database.asSystem('migrations concern every tenant', sql, params)
  await system(
    underLock('CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());'),
  )
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()
  const umzug = new Umzug({
    logger: undefined,
    migrations: files.map((name) => ({
      name,
      up: async () => void (await system(asOneStatement(name, readFileSync(join(folder, name), 'utf8')))),
    })),
    storage: {
      executed: async () => (await system('SELECT name FROM migrations ORDER BY name')).map((row) => String(row.name)),
      // The file's own statement has recorded it, in the same transaction.
      logMigration: async () => {},
      unlogMigration: async () => {},
    },
  })
  try {
    await umzug.up()
  } catch (error) {
    throw error instanceof MigrationError
      ? new Error(`migration ${error.migration.name} failed: ${String(error.cause)}`, { cause: error.cause })
      : error
  }
}

/** CREATE TABLE IF NOT EXISTS alone can still collide with itself when two processes start at the same moment. */
const underLock = (sql: string) => `DO $migration$ BEGIN PERFORM pg_advisory_xact_lock(7242016); ${sql} END $migration$`

const asOneStatement = (name: string, sql: string) =>
  underLock(`
    IF NOT EXISTS (SELECT 1 FROM migrations WHERE name = '${name}') THEN
      ${sql}
      INSERT INTO migrations (name) VALUES ('${name}');
    END IF;`)
