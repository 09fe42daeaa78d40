import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Of the path of a unix socket (108 bytes with its end mark). */
const MAX_SOCKET_PATH = 100
const START_TIMEOUT_MS = 15_000

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
  const inFolder = join(folder, 'redis.sock')
  const shortFolder = inFolder.length > MAX_SOCKET_PATH ? mkdtempSync(join(tmpdir(), 'answerline-')) : undefined
  const socket = shortFolder === undefined ? inFolder : join(shortFolder, 'redis.sock')
  rmSync(socket, { force: true })
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
  const child = tied
    ? spawn('setpriv', ['--pdeathsig', 'TERM', program, ...settings], { stdio: 'ignore' })
    : spawn(program, settings, { stdio: 'ignore' })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await untilListening(socket, () => child.exitCode !== null, join(folder, 'redis.log'))
  return {
    url: socket,
    pid: child.pid!,
    async stop() {
      child.kill('SIGTERM')
      await exited
      if (shortFolder !== undefined) rmSync(shortFolder, { recursive: true, force: true })
    },
  }
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

async function untilListening(socket: string, hasExited: () => boolean, logFile: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (performance.now() < deadline) {
    if (hasExited()) throw new Error(`Redis did not start; ${logFile} says why`)
    if (await accepts(socket)) return
    await sleep(50)
  }
  throw new Error(`Redis did not listen within ${START_TIMEOUT_MS / 1_000} s; ${logFile} may say why`)
}

const accepts = (path: string) =>
  new Promise<boolean>((resolve) => {
    const connection = connect(path)
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
    connection.once('error', () => resolve(false))
  })
