import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiClient, localClient } from '#cli/client.ts'
import { readConfig } from '#shared/config.ts'
import { freePort } from '#test/servers/free-port.ts'

let folder: string
let port: number
const asked: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = []
const replies: Record<string, [number, string, string]> = {
  '/json': [202, 'application/json; charset=utf-8', '{"a":[1]}'],
  '/problem': [422, 'application/problem+json', '{"code":"bad"}'],
  '/ndjson': [202, 'application/x-ndjson', '{"line":1}\n{"line":2}\n'],
  '/text': [200, 'text/plain', '[not json'],
  '/empty': [204, 'application/json', ''],
}
const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  asked.push({ method: request.method!, url: request.url!, headers: request.headers, body })
  const [status, type, text] = replies[request.url!] ?? [200, 'application/json', '{"ok":true}']
  response.writeHead(status, { 'content-type': type }).end(status === 204 ? undefined : text)
})
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'client-'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

test('a request carries the key, its body as JSON, and the headers it was given', async () => {
  const client = apiClient(`http://127.0.0.1:${port}`, 'secret')
  expect(await client.request('POST', '/json', { q: 'naïve' }, { 'idempotency-key': 'k1' })).toEqual({
    status: 202,
    body: { a: [1] },
  })
  const { method, headers, body } = asked.at(-1)!
  expect([method, headers.authorization, headers['content-type'], headers['idempotency-key']]).toEqual([
    ...['POST', 'Bearer secret', 'application/json', 'k1'],
  ])
  expect(JSON.parse(body)).toEqual({ q: 'naïve' })
  await client.request('GET', '/json')
  expect(asked.at(-1)).toMatchObject({ method: 'GET', body: '' })
  expect(asked.at(-1)!.headers['content-type']).toBeUndefined()
})

test('a reply is parsed when its type says JSON, and only then', async () => {
  const client = apiClient(`http://127.0.0.1:${port}`, 'secret')
  const bodyOf = async (path: string) => (await client.request('GET', path)).body
  expect(await client.request('GET', '/problem')).toEqual({ status: 422, body: { code: 'bad' } })
  expect(await bodyOf('/ndjson')).toBe('{"line":1}\n{"line":2}\n')
  expect(await bodyOf('/text')).toBe('[not json')
  expect(await bodyOf('/empty')).toBe('')
})

test('the running server of this machine is found, with the key that lies in its data directory', async () => {
  const dataDir = join(folder, 'data')
  mkdirSync(dataDir)
  writeFileSync(join(dataDir, 'admin-key'), 'key-from-the-file\n')
  const client = await localClient(readConfig({ PORT: String(port), DATA_DIR: dataDir }))
  await client.request('GET', '/json')
  expect(asked.at(-1)!.headers.authorization).toBe('Bearer key-from-the-file')
  const own = await localClient(readConfig({ PORT: String(port), DATA_DIR: dataDir, ADMIN_API_KEY: 'key-from-the-environment' }))
  await own.request('GET', '/json')
  expect(asked.at(-1)!.headers.authorization).toBe('Bearer key-from-the-environment')
})

test('without a server the error says how to start one, and without a key where it is looked for', async () => {
  const advice = /nothing answers at http:\/\/127\.0\.0\.1:\d+; start it with `npm start`/
  const away = String(await freePort())
  await expect(localClient(readConfig({ PORT: away, ADMIN_API_KEY: 'key-from-the-environment' }))).rejects.toThrow(advice)
  const elsewhere = readConfig({ PORT: String(port), DATA_DIR: join(folder, 'none') })
  await expect(localClient(elsewhere)).rejects.toThrow(
    `a server runs at http://127.0.0.1:${port}, but its admin key is not in ${join(folder, 'none')}; set DATA_DIR as it has it, or ADMIN_API_KEY`,
  )
  await expect(localClient(readConfig({ PORT: away, HOST: '::1' }))).rejects.toThrow(`http://[::1]:${away}`)
})
