import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startPrivateRedis } from '#cli/private-redis.ts'
import { hasRedis } from '#test/servers/redis.ts'
import { tiedToUs } from '#test/servers/tied-to-us.ts'

const hasSetpriv = spawnSync('setpriv', ['--version'], { stdio: 'ignore' }).status === 0

describe.skipIf(!hasRedis)('with a real Redis (needs redis-server on PATH)', () => {
  let folder: string
  const children: ChildProcess[] = []
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'private-redis-'))
  })
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  })
  const use = async <T>(socket: string, work: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = new Redis(socket, { maxRetriesPerRequest: 1 })
    redis.on('error', () => {})
    try {
      return await work(redis)
    } finally {
      redis.disconnect()
    }
  }
  const isRunning = (pid: number) => {
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false
    }
  }
  /** In a process of its own. */
  const startElsewhere = async (dataDir: string) => {
    const [program, args] = tiedToUs(process.execPath, [join(import.meta.dirname, 'run-private-redis.ts'), dataDir])
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    const [line] = await once(child.stdout!, 'data')
    return { child, said: JSON.parse(String(line)) as { url: string; pid: number; error: string } }
  }

  test('it listens on a socket only, keeps what it is told over a restart, evicts nothing, and stops', async () => {
    const first = await startPrivateRedis(folder, () => {})
    expect(first.url).toBe(join(folder, 'redis', 'redis.sock'))
    await use(first.url, async (redis) => {
      expect(await redis.config('GET', 'port')).toEqual(['port', '0'])
      expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction'])
      await redis.set('kept', 'yes')
    })
    await first.stop()
    expect(isRunning(first.pid)).toBe(false)
    const second = await startPrivateRedis(folder, () => {})
    expect(await use(second.url, (redis) => redis.get('kept'))).toBe('yes')
    await second.stop()
  })

  test('a data directory too long for a socket’s path works, also when it is only long in bytes, and leaves nothing in its place', async () => {
    for (const name of ['x'.repeat(150), '日'.repeat(30)]) {
      const server = await startPrivateRedis(join(folder, name), () => {})
      expect(Buffer.byteLength(server.url)).toBeLessThan(108)
      expect(await use(server.url, (redis) => redis.ping())).toBe('PONG')
      await server.stop()
      expect(existsSync(join(server.url, '..'))).toBe(false)
    }
  })

  test('a second process on the same directory is refused and does the first no harm', async () => {
    const first = await startPrivateRedis(folder, () => {})
    const { said } = await startElsewhere(folder)
    expect(said.error).toMatch(new RegExp(`in use by process ${process.pid}\\. A private Redis serves one process.*REDIS_URL`))
    expect(await use(first.url, (redis) => redis.ping())).toBe('PONG')
    await first.stop()
  })

  test.skipIf(!hasSetpriv)('it ends with its process, even one that is killed (needs setpriv)', async () => {
    const { child, said } = await startElsewhere(folder)
    expect(await use(said.url, (redis) => redis.ping())).toBe('PONG')
    child.kill('SIGKILL')
    await expect.poll(() => isRunning(said.pid), { timeout: 10_000 }).toBe(false)
  })

  test('after a kill the next start takes over at once, with all that was kept', async () => {
    const { child, said } = await startElsewhere(folder)
    await use(said.url, async (redis) => {
      await redis.set('kept', 'yes')
      await redis.config('SET', 'appendfsync', 'always')
      await redis.set('also', 'yes')
    })
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    const next = await startPrivateRedis(folder, () => {})
    expect(next.pid).not.toBe(said.pid)
    await expect.poll(() => isRunning(said.pid), { timeout: 10_000 }).toBe(false)
    expect(await use(next.url, (redis) => redis.mget('kept', 'also'))).toEqual(['yes', 'yes'])
    await next.stop()
  })

  test('a server that outlived its process is sent away before the next one starts on its files', async () => {
    const socket = join(folder, 'redis', 'redis.sock')
    await (await startPrivateRedis(folder, () => {})).stop()
    const settings = ['--port', '0', '--unixsocket', socket, '--dir', join(folder, 'redis'), '--appendonly', 'yes', '--save', '']
    const orphan = spawn(...tiedToUs('redis-server', settings), { stdio: 'ignore' })
    children.push(orphan)
    await expect.poll(() => existsSync(socket), { timeout: 10_000 }).toBe(true)
    await use(socket, (redis) => redis.set('kept', 'yes'))
    const gone = once(orphan, 'exit')
    const next = await startPrivateRedis(folder, () => {})
    await gone
    expect(await use(next.url, (redis) => redis.get('kept'))).toBe('yes')
    await next.stop()
  })

  test('a Redis that cannot start says where to look, and lets go of the directory', async () => {
    const first = await startPrivateRedis(folder, () => {})
    await first.stop()
    rmSync(join(folder, 'redis', 'redis.log'))
    mkdirSync(join(folder, 'redis', 'redis.log'))
    await expect(startPrivateRedis(folder, () => {})).rejects.toThrow(/Redis did not start; .*redis\.log says why/)
    rmSync(join(folder, 'redis', 'redis.log'), { recursive: true })
    await (await startPrivateRedis(folder, () => {})).stop()
  })
})
