import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MigrationError, Umzug } from 'umzug'
import type { Database } from './client.ts'

const FOLDER = join(import.meta.dirname, 'migrations')

/** Whoever waits for a table makes everybody wait who comes after; a backup may hold it for minutes. */
const LOCK_TIMEOUT_MS = 2_000
const PAUSE_MS = 1_000
const LOCK_NOT_AVAILABLE = '55P03'

type MigrateOptions = { readonly folder?: string; readonly patienceMs?: number; readonly say?: (line: string) => void }

/**
 * Brings the tables up to date: the files of `migrations/` in order, each once. Each file becomes one statement (a DO block), so
 * it happens whole or not at all, and an advisory lock keeps processes that start together from getting in each other's way. It may take as long as it
 * takes, but a lock on a table is not waited for longer than other requests can bear: the file is tried again, for `patienceMs`.
 * @throws Error that names the file
 */
export async function migrate(
  database: Database,
  { folder = FOLDER, patienceMs = 300_000, say }: MigrateOptions = {},
): Promise<void> {
  const system = (sql: string) => database.asSystem('migrations concern every tenant', sql)
  const unhurried = database.kind === 'postgres' ? 'SET LOCAL statement_timeout = 0; ' : ''
  const until = performance.now() + patienceMs
  const apply = async (statement: string): Promise<void> => {
    for (;;) {
      try {
        await system(unhurried + statement)
        return
      } catch (error) {
        if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE || performance.now() > until) throw error
        say?.('the tables are to be brought up to date, but one of them is in use (pg_stat_activity shows by whom); trying again')
        await sleep(PAUSE_MS)
      }
    }
  }
  await apply(
    underLock('CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());'),
  )
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()
  const umzug = new Umzug({
    logger: undefined,
    migrations: files.map((name) => ({
      name,
      up: async () => apply(asOneStatement(name, readFileSync(join(folder, name), 'utf8'))),
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
      ? new Error(`migration ${error.migration.name} failed: ${String(error.cause)}${hintFor(error.cause)}`, {
          cause: error.cause,
        })
      : error
  }
}

const hintFor = (cause: unknown) =>
  (cause as { code?: unknown }).code === LOCK_NOT_AVAILABLE
    ? '. Something has held a table for minutes, such as a backup or an open transaction: let it end (pg_stat_activity shows it) and start again'
    : ''

/** CREATE TABLE IF NOT EXISTS alone can still collide with itself when two processes start at the same moment. */
const underLock = (sql: string) => `DO $migration$ BEGIN
    PERFORM set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true);
    PERFORM pg_advisory_xact_lock(7242016); ${sql} END $migration$`

const asOneStatement = (name: string, sql: string) =>
  underLock(`
    IF NOT EXISTS (SELECT 1 FROM migrations WHERE name = '${name}') THEN
      ${sql}
      INSERT INTO migrations (name) VALUES ('${name}');
    END IF;`)
