import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from './free-port.ts'
import { template } from './template.ts'

const DEBIAN = '/usr/lib/postgresql'
const START_TIMEOUT_MS = 30_000
/** The server refuses to run as root; Debian's package brings a user for it. */
const USER = 'postgres'

export const postgresBin: string | undefined = findBin()

export type TestPostgres = {
  /** Makes an empty database. @returns its URL */
  createDatabase(name: string): Promise<string>
  /** `fast` as `pg_ctl` has it: every session is broken off, then the server comes back on the same port. */
  restart(): Promise<void>
  /** @returns how many sessions were ended */
  terminateBackends(): Promise<number>
  /**
   * Brings the server where one is that has been running for a while: it writes into WAL segments that it had before. One that has just been made
   * fills every new one (16 MB) with zeros while its sessions wait. Reserve is kept up to `min_wal_size`.
   */
  recycleWal(segments: number): Promise<void>
  stop(): Promise<void>
}

function findBin(): string | undefined {
  const found = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' })
  const versions = () => {
    try {
      return readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a))
    } catch {
      return []
    }
  }
  const folders = [...(found.status === 0 ? [found.stdout.trim()] : []), ...versions().map((v) => join(DEBIAN, v, 'bin'))]
  const isThere = (bin: string) => spawnSync(join(bin, 'initdb'), ['--version'], { stdio: 'ignore' }).status === 0
  const bin = folders.find(isThere)
  return bin !== undefined && (!isRoot() || idsOf(USER) !== undefined) ? bin : undefined
}

/**
 * A cluster of the test's own, with fsync as in production, on a free loopback port, gone with `stop`.
 * @param settings such as `min_wal_size=1GB`
 */
export async function startPostgres(settings: readonly string[] = []): Promise<TestPostgres> {
  if (postgresBin === undefined) throw new Error('no PostgreSQL server is installed')
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'))
  const owner = isRoot() ? idsOf(USER) : undefined
  if (owner) chownSync(folder, owner.uid, owner.gid)
  const data = join(folder, 'data')
  copy(join(await emptyCluster(postgresBin), 'data'), data)
  const port = await freePort()
  let server = await serve(folder, data, port, settings)
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill(signal)
    await ended
  }
  return {
    async createDatabase(name) {
      await asSuperuser(port, (client) => client.query(`CREATE DATABASE "${name}"`))
      return `postgres://${USER}@127.0.0.1:${port}/${name}`
    },
    async restart() {
      await end('SIGINT')
      server = await serve(folder, data, port, settings)
    },
    terminateBackends: () =>
      asSuperuser(port, async (client) => {
        const sql = `SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
          WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`
        return Number((await client.query(sql)).rows[0].n)
      }),
    recycleWal: (segments) =>
      asSuperuser(port, async (client) => {
        for (let n = 0; n < segments; n++) {
          await client.query("SELECT pg_logical_emit_message(true, 'segment', '')")
          await client.query('SELECT pg_switch_wal()')
        }
        await client.query('CHECKPOINT')
      }),
    async stop() {
      await end('SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A cluster as `initdb` makes it, which takes seconds, to be copied. */
function emptyCluster(bin: string): Promise<string> {
  const version = spawnSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }).stdout.replace(/[^\w.]+/g, '-')
  return template(`${version}${isRoot() ? USER : process.getuid?.()}`, async (folder) => {
    // Not in the folder itself: the server's user may have no way to it.
    const work = mkdtempSync(join(tmpdir(), 'postgres-'))
    try {
      const owner = isRoot() ? idsOf(USER) : undefined
      if (owner) chownSync(work, owner.uid, owner.gid)
      const data = join(work, 'data')
      const made = spawnSync(...asOwner(join(bin, 'initdb'), ['-D', data, '-U', USER, '-A', 'trust', '-E', 'UTF8']), {
        cwd: work,
        encoding: 'utf8',
      })
      if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
      copy(data, join(folder, 'data'))
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  })
}

/** With owners and modes, about which the server is particular. */
function copy(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', from, to], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cp failed: ${stderr}`)
}

async function serve(folder: string, data: string, port: number, more: readonly string[]): Promise<ChildProcess> {
  const log = join(folder, 'server.log')
  const settings = [
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    '-k',
    folder,
    ...['fsync=on', 'max_connections=200', ...more].flatMap((each) => ['-c', each]),
  ]
  const out = openSync(log, 'a')
  const server = spawn(...asOwner(join(postgresBin!, 'postgres'), ['-D', data, ...settings]), {
    cwd: folder,
    stdio: ['ignore', out, out],
  })
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const up = await asSuperuser(port, (client) => client.query('SELECT 1')).then(
      () => true,
      () => false,
    )
    if (up) return server
    if (server.exitCode !== null || performance.now() > deadline)
      throw new Error(`PostgreSQL did not start: ${readFileSync(log, 'utf8').slice(-1_000)}`)
    await sleep(50)
  }
}

async function asSuperuser<T>(port: number, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: USER, database: 'postgres', connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

function idsOf(user: string): { uid: number; gid: number } | undefined {
  const entry = spawnSync('getent', ['passwd', user], { encoding: 'utf8' })
  const [, , uid, gid] = entry.stdout?.split(':') ?? []
  return entry.status === 0 ? { uid: Number(uid), gid: Number(gid) } : undefined
}

/** As a user that the server accepts; it ends with us (INT is its fast, clean shutdown). */
function asOwner(program: string, args: readonly string[]): [string, string[]] {
  const change = isRoot() ? [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'] : []
  return ['setpriv', [...change, '--pdeathsig', 'INT', program, ...args]]
}
