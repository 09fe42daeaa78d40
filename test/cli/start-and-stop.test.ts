import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { hasRedis } from '#test/servers/redis.ts'

const ROOT = join(import.meta.dirname, '../..')
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'answerline-start-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** As npm runs it: by a shell, with this Node.js first. */
function start(script: string, settings: Record<string, string>) {
  const { REDIS_URL: _redis, DATABASE_URL: _database, ...rest } = process.env
  const path = [dirname(process.execPath), rest['PATH']].join(delimiter)
  const env = { ...rest, PATH: path, DATA_DIR: folder, PORT: '0', LOG_LEVEL: 'error', ...settings }
  const child = spawn('sh', ['-c', scripts[script]!], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => said.push(chunk))
  return { child, said: () => said.join(''), ended: once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]> }
}

const whereRedisIs = test.skipIf(!hasRedis)

whereRedisIs(
  'a start that is refused ends, so that whoever watches it can start it again (needs redis-server on PATH)',
  async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    try {
      for (const [settings, reason] of [
        [{ QDRANT_URL: 'http://127.0.0.1:1' }, 'Qdrant at 127.0.0.1:1 is not ready for use'],
        [{ PORT: String(port) }, `127.0.0.1:${port} is taken by another process; set PORT to another one`],
      ] as const) {
        const { said, ended } = start('start', settings)
        expect((await ended)[0], said()).toBe(1)
        expect(said()).toContain(reason)
      }
    } finally {
      taken.close()
    }
  },
  60_000,
)

whereRedisIs(
  'a signal to what npm started reaches the product itself: nothing is left running (needs redis-server on PATH)',
  async () => {
    const { child, said, ended } = start('start', {})
    await expect.poll(said, { timeout: 45_000, interval: 100 }).toContain('Answerline is running')
    const url = /Answerline is running +(\S+)/.exec(said())![1]!
    child.kill('SIGTERM')
    const [code] = await ended
    expect(code).toBe(0)
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed')
  },
  90_000,
)
