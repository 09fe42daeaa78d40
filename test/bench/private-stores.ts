import { spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startPrivateRedis } from '#cli/private-redis.ts'

/** How both stores keep what they acknowledged; printed with every figure. */
export const PERSISTENCE = 'Redis AOF everysec; PostgreSQL fsync and synchronous_commit on'
const START_TIMEOUT_MS = 60_000

export type Stores = { readonly folder: string; readonly redisUrl: string; readonly databaseUrl: string; stop(): Promise<void> }

const onPath = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0

/** The folder of PostgreSQL's own programs, which Debian keeps out of PATH. */
function postgresFolder(): string | undefined {
  const root = '/usr/lib/postgresql'
  const folders = existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : []
  return folders.findLast((folder) => existsSync(join(folder, 'initdb')))
}

/** What is missing for benchmarks on real stores; empty when all is there. */
export const missingStores = (): string[] => [
  ...(onPath('redis-server') || onPath('valkey-server') ? [] : ['redis-server']),
  ...(postgresFolder() === undefined ? ['PostgreSQL server programs'] : []),
]

/** Servers of the benchmark's own, with data on this machine's disk, gone with `stop`. */
export async function startStores(): Promise<Stores> {
  const missing = missingStores()
  if (missing.length > 0) throw new Error(`this benchmark needs ${missing.join(' and ')} (Debian: redis-server, postgresql)`)
  const folder = mkdtempSync(join(tmpdir(), 'answerline-bench-'))
  const redis = await startPrivateRedis(folder, () => {})
  try {
    const postgres = await startPostgres(mkdtempSync(join(tmpdir(), 'answerline-bench-pg-')))
    return {
      folder,
      redisUrl: redis.url,
      databaseUrl: postgres.url,
      async stop() {
        await Promise.all([redis.stop(), postgres.stop()])
        rmSync(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await redis.stop()
    throw error
  }
}

async function startPostgres(folder: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const bin = postgresFolder()!
  // PostgreSQL refuses to run as root; its package has made a user for it.
  const asRoot = process.getuid?.() === 0
  const [command, prefix] = asRoot
    ? (['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups']] as const)
    : (['env', []] as const)
  if (asRoot) {
    const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout)
    chownSync(folder, id('-u'), id('-g'))
  }
  const data = join(folder, 'data')
  const made = spawnSync(
    command,
    [...prefix, join(bin, 'initdb'), '-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8'],
    {
      encoding: 'utf8',
      cwd: folder,
    },
  )
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
  const port = await freePort()
  const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', `port=${port}`, '-c', `unix_socket_directories=${folder}`]
  const durable = ['-c', 'fsync=on', '-c', 'synchronous_commit=on']
  const server = spawn(command, [...prefix, join(bin, 'postgres'), '-D', data, ...settings, ...durable], {
    stdio: 'ignore',
    cwd: folder,
  })
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  await untilAnswering(url, () => server.exitCode !== null)
  return {
    url,
    async stop() {
      // Fast shutdown: connections that are still open are closed.
      server.kill('SIGINT')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function untilAnswering(url: string, hasExited: () => boolean): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      await client.end()
      return
    } catch (error) {
      if (hasExited() || performance.now() > deadline) throw new Error('PostgreSQL did not start', { cause: error })
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
