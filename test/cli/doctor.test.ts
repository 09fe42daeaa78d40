import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { doctor } from '#cli/commands/doctor.ts'
import { newKey } from '#shared/wiring-sealing.ts'
import { listen } from './stand-in-api.ts'

let reply: { status: number; body: string }
let folder: string
let said: string[]
const server = createServer((_request, response) => {
  response.writeHead(reply.status, { 'content-type': 'application/json' }).end(reply.body)
})
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
beforeEach(() => {
  said = listen()
  reply = { status: 200, body: '{"ok":true,"checks":{"redis":{"ok":true,"detail":"answers"}}}' }
  const unset = ['DATABASE_URL', 'REDIS_URL', 'PII_KEYS', 'PII_KEYS_FILE'].map((name) => [name, ''] as const)
  const port = String((server.address() as AddressInfo).port)
  for (const [name, value] of [...unset, ['DATA_DIR', folder], ['HOST', '127.0.0.1'], ['PORT', port]] as const)
    vi.stubEnv(name, value)
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

const lineOn = (what: string) => said.find((line) => line.slice(5).startsWith(`${what} `))

test('doctor says where the keys are that seal, and warns where a server has none', async () => {
  await doctor()
  expect(lineOn('keys')).toContain(`ok   keys           a first start makes one: ${join(folder, 'pii-keys')}`)
  said.length = 0
  vi.stubEnv('DATABASE_URL', 'postgres://127.0.0.1:1/x')
  await doctor()
  expect(lineOn('keys')).toMatch(/^WARN keys +PII_KEYS is not set: .*`answerline keys new` prints a key/)
  said.length = 0
  vi.stubEnv('PII_KEYS', `${newKey()},${newKey()}`)
  await doctor()
  expect(lineOn('keys')).toMatch(/^ok {3}keys +2 in PII_KEYS$/)
})

test('of a server that is not ready doctor names what failed, and of another program that it is one', async () => {
  await doctor()
  expect(lineOn('server')).toMatch(/^ok {3}server +runs at http:\S+ and is ready$/)
  said.length = 0
  const checks = {
    database: { ok: true, detail: 'postgres' },
    redis: { ok: false, detail: 'no answer within 2 s' },
    model: { ok: false },
  }
  reply = { status: 503, body: JSON.stringify({ title: 'not-ready', ok: false, checks }) }
  expect(await doctor()).toBe(1)
  expect(lineOn('server')).toMatch(
    /^FAIL server +http:\S+ runs but is not ready: redis \(no answer within 2 s\), model \(failed\)$/,
  )
  said.length = 0
  reply = { status: 200, body: '<html>' }
  expect(await doctor()).toBe(1)
  expect(lineOn('server')).toMatch(/^FAIL server +http:\S+ answers 200, but not as Answerline does/)
})
