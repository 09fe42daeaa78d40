import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { holdDirectory } from '#shared/database/directory-lock.ts'

/** Of the path of a unix socket (108 bytes with its end mark). */
const MAX_SOCKET_PATH_BYTES = 100
const START_TIMEOUT_MS = 15_000
const ORPHAN_TIMEOUT_MS = 5_000
const ADVICE = 'A private Redis serves one process: stop that one, choose another DATA_DIR, or set REDIS_URL.'

export type PrivateRedis = { readonly url: string; readonly pid: number; stop(): Promise<void> }

/**
 * A Redis (or Valkey) of our own for one process: on a unix socket, with its data under `dataDir`, gone when we are. Installed
 * with apt when there is none and we may.
 * @throws Error that says in one line what to run
 */
export async function startPrivateRedis(dataDir: string, say: (line: string) => void): Promise<PrivateRedis> {
  const program = findServer() ?? installServer(say)
  const folder = join(dataDir, 'redis')
  mkdirSync(folder, { recursive: true })
  const release = holdDirectory(folder, ADVICE)
  const inFolder = join(folder, 'redis.sock')
  const isLong = Buffer.byteLength(inFolder) > MAX_SOCKET_PATH_BYTES
  const shortFolder = isLong ? mkdtempSync(join(tmpdir(), 'answerline-')) : undefined
  const socket = shortFolder === undefined ? inFolder : join(shortFolder, 'redis.sock')
  let child: ChildProcess | undefined
  const stop = async () => {
    if (child) await endOf(child)
    if (shortFolder !== undefined) rmSync(shortFolder, { recursive: true, force: true })
    release()
  }
  try {
    await endOrphan(socket)
    child = spawnServer(program, folder, socket)
    await untilListening(socket, child, join(folder, 'redis.log'))
    return { url: socket, pid: child.pid!, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

async function endOf(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

function spawnServer(program: string, folder: string, socket: string): ChildProcess {
  const settings = [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--dir',
    folder,
    '--appendonly',
    'yes',
    '--appendfsync',
    'everysec',
    '--maxmemory-policy',
    'noeviction',
    '--save',
    '',
    '--daemonize',
    'no',
    '--logfile',
    join(folder, 'redis.log'),
  ]
  // With setpriv it ends with us even when we are killed; without it, it would stay behind.
  const tied = hasProgram('setpriv')
  return tied
    ? spawn('setpriv', ['--pdeathsig', 'TERM', program, ...settings], { stdio: 'ignore' })
    : spawn(program, settings, { stdio: 'ignore' })
}

/**
 * A server that outlived its killed process (it is on its way out, or there was no setpriv) would write into the same files and
 * take our socket away when it ends: it goes first.
 */
async function endOrphan(socket: string): Promise<void> {
  const deadline = performance.now() + ORPHAN_TIMEOUT_MS
  while (await accepts(socket, 'SHUTDOWN NOSAVE\r\n')) {
    if (performance.now() > deadline) throw new Error(`another Redis listens on ${socket} and does not end; stop it first`)
    await sleep(50)
  }
  rmSync(socket, { force: true })
}

const hasProgram = (name: string) => spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0
const findServer = () => ['redis-server', 'valkey-server'].find(hasProgram)

function installServer(say: (line: string) => void): string {
  const advice =
    'Redis is needed: set REDIS_URL, or install it with `sudo apt-get install redis-server` and run the command again.'
  if (process.getuid?.() !== 0 || !hasProgram('apt-get')) throw new Error(advice)
  say('installing redis-server with apt …')
  const run = (...args: string[]) =>
    spawnSync('env', ['DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args], { stdio: 'ignore' }).status === 0
  // The package starts a server of its own where there is an init system; ours runs beside it on a socket.
  if (!(run('install', '-y', '-qq', 'redis-server') || (run('update', '-qq') && run('install', '-y', '-qq', 'redis-server'))))
    throw new Error(`apt could not install redis-server. ${advice}`)
  return 'redis-server'
}

async function untilListening(socket: string, child: ChildProcess, logFile: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (performance.now() < deadline) {
    if (hasEnded(child)) throw new Error(`Redis did not start; ${logFile} says why`)
    if (await accepts(socket)) return
    await sleep(50)
  }
  throw new Error(`Redis did not listen within ${START_TIMEOUT_MS / 1_000} s; ${logFile} may say why`)
}

const accepts = (path: string, say = '') =>
  new Promise<boolean>((resolve) => {
    const connection = connect(path)
    connection.once('connect', () => connection.end(say, () => resolve(true)))
    connection.once('error', () => resolve(false))
  })
