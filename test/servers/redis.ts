import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { tiedToUs } from './tied-to-us.ts'

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0

export type TestRedis = {
  /** Of a unix socket; good as `REDIS_URL`. */
  readonly socket: string
  flush(): Promise<void>
  /** The process is gone at once, as in a crash. */
  kill9(): Promise<void>
  /** Kills it when it still runs, then starts it on the data it had or on none. */
  restart(data: 'keep' | 'empty'): Promise<void>
  stop(): Promise<void>
}

/** A Redis of the test's own: on a socket in a fresh folder, gone with `stop`, never the one that the machine may run. */
export async function startRedis({ appendOnly = false }: { appendOnly?: boolean } = {}): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'))
  const socket = join(folder, 'socket')
  let server = await serve(folder, socket, appendOnly)
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill(signal)
    await ended
  }
  return {
    socket,
    async flush() {
      const redis = open(socket)
      await redis.flushall()
      redis.disconnect()
    },
    kill9: () => end('SIGKILL'),
    async restart(data) {
      await end('SIGKILL')
      if (data === 'empty') rmSync(join(folder, 'appendonlydir'), { recursive: true, force: true })
      server = await serve(folder, socket, appendOnly)
    },
    async stop() {
      await end('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function serve(folder: string, socket: string, appendOnly: boolean): Promise<ChildProcess> {
  rmSync(socket, { force: true })
  const persistence = ['--save', '', '--appendonly', appendOnly ? 'yes' : 'no', '--appendfsync', 'everysec']
  const place = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--maxmemory-policy', 'noeviction']
  const [program, args] = tiedToUs('redis-server', [...place, ...persistence])
  const server = spawn(program, args, { stdio: 'ignore' })
  const probe = open(socket)
  await probe.ping()
  probe.disconnect()
  return server
}

function open(socket: string): Redis {
  const redis = new Redis({ path: socket, retryStrategy: () => 20, maxRetriesPerRequest: null })
  redis.on('error', () => {})
  return redis
}
