import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import type { Row, SqlEngine } from './client.ts'
import { holdDirectory } from './directory-lock.ts'

const ADVICE =
  'The embedded database serves one process: stop that one, choose another DATA_DIR, or set DATABASE_URL to a PostgreSQL server.'
const parsers = { 20: Number, 1700: Number }

/**
 * PostgreSQL within this process, for one process. It does not fsync, so it survives a killed process but not a power cut;
 * set `DATABASE_URL` for a server where that matters.
 * @throws Error when another process holds the directory: two on one directory lose data without a word
 */
export async function openPglite(dataDir: string): Promise<SqlEngine> {
  mkdirSync(dataDir, { recursive: true })
  const release = holdDirectory(dataDir, ADVICE)
  const pglite = await PGlite.create(join(dataDir, 'pglite'), { parsers }).catch((error) => {
    release()
    throw error
  })
  return {
    kind: 'pglite',
    // The driver queues statements on its only connection; single statements need no transaction of their own, so a failed
    // one cannot poison the next.
    query: async (sql, params) => (await pglite.query<Row>(sql, params as unknown[])).rows,
    async close() {
      await pglite.close()
      release()
    },
  }
}

/** In memory, for tests. @param dump another database's files (a tar) to begin with, instead of an empty one */
export async function openPgliteInMemory(dump?: Blob): Promise<SqlEngine> {
  const pglite = await PGlite.create({ parsers, ...(dump && { loadDataDir: dump }) })
  return {
    kind: 'pglite',
    query: async (sql, params) => (await pglite.query<Row>(sql, params as unknown[])).rows,
    close: () => pglite.close(),
  }
}
