import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresBin, startPostgres } from '#test/servers/postgres.ts'
import { hasRedis, startRedis } from '#test/servers/redis.ts'

/** How both stores keep what they acknowledged; printed with every figure. */
export const PERSISTENCE = 'Redis AOF everysec; PostgreSQL fsync and synchronous_commit on'

export type Stores = {
  readonly redisUrl: string
  /** Two installations never share a database: their sweepers would send each other's runs. @returns an empty one's URL */
  createDatabase(name: string): Promise<string>
  /** An empty folder for what else a process keeps. */
  dataDir(name: string): string
  stop(): Promise<void>
}

/** What is missing for benchmarks on real stores; empty when all is there. */
export const missingStores = (): string[] => [
  ...(hasRedis ? [] : ['redis-server']),
  ...(postgresBin === undefined ? ['PostgreSQL server programs'] : []),
]

/**
 * Servers of the benchmark's own, gone with `stop`.
 * @param walSegments how many WAL segments PostgreSQL has in reserve, as one that has been running for a while has
 */
export async function startStores({ walSegments = 0 }: { readonly walSegments?: number } = {}): Promise<Stores> {
  const missing = missingStores()
  if (missing.length > 0) throw new Error(`this benchmark needs ${missing.join(' and ')} (Debian: redis-server, postgresql)`)
  const folder = mkdtempSync(join(tmpdir(), 'answerline-bench-'))
  const [redis, postgres] = await Promise.all([
    startRedis({ appendOnly: true }),
    startPostgres(walSegments > 0 ? ['min_wal_size=1GB'] : []),
  ])
  if (walSegments > 0) await postgres.recycleWal(walSegments)
  return {
    redisUrl: redis.socket,
    createDatabase: postgres.createDatabase,
    dataDir: (name) => join(folder, name),
    async stop() {
      await Promise.all([redis.stop(), postgres.stop()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
