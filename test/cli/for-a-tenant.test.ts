import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { ask } from '#cli/commands/ask.ts'
import { listDeadLetters, redriveDeadLetters } from '#cli/commands/dead-letters.ts'
import { indexPaths } from '#cli/commands/index-paths.ts'
import { listen, type StandInApi, standInApi } from './stand-in-api.ts'

const LETTER = { id: 'dl_1', runId: 'run_1', pipeline: 'support-ticket', step: 'send', code: 'webhook-without-secret' }
let api: StandInApi
let said: string[]
let folder: string
let deadLetters: object[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'for-a-tenant-'))
  writeFileSync(join(folder, 'a.md'), '# A')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(async () => {
  deadLetters = []
  said = listen()
  api = await standInApi({
    'GET /v1/dead-letters': { deadLetters },
    'POST /v1/dead-letters/redrive': { redriven: 0, results: [] },
    'POST /v1/tickets': { ticketId: 't', runId: 'r' },
    'GET /v1/tickets/t': { status: 'closed' },
    'POST /v1/documents': { documentId: 'd' },
    'GET /v1/documents/d': { documentId: 'd', state: 'indexed', error: null },
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await api.close()
})

/** Of every request but the look whether a server is there. */
const tenants = () =>
  new Set(api.asked.filter(({ path }) => path !== '/healthz').map(({ headers }) => headers['x-tenant-id'] ?? 'nobody named'))

test.each<[string, (tenant?: string) => Promise<number>]>([
  ['dlq list', (tenant) => listDeadLetters(tenant === undefined ? {} : { tenant })],
  ['dlq redrive', (tenant) => redriveDeadLetters([], tenant === undefined ? {} : { tenant })],
  ['ask', (tenant) => ask('Is it so?', tenant)],
  ['index', (tenant) => indexPaths([folder], tenant)],
])('%s acts for the tenant that is named, in all that it asks', async (_command, run) => {
  await run()
  expect([...tenants()]).toEqual(['nobody named'])
  api.asked.length = 0
  await run('acme')
  expect([...tenants()]).toEqual(['acme'])
  await expect(run('Acme & Sons')).rejects.toThrow('--tenant takes the id of a tenant')
})

test('a list of dead letters says whose they are, and that others may have some', async () => {
  await listDeadLetters({})
  expect(said).toEqual(['no dead letters of the tenant "default"; --tenant shows those of another one'])
  deadLetters.push({ ...LETTER, message: 'has no webhook.secret', createdAt: '2026-11-21T00:00:00Z' })
  await listDeadLetters({ tenant: 'acme' })
  expect(said.at(-2)).toBe('dead letters of the tenant "acme"')
  expect(said.at(-1)).toContain('webhook-without-secret')
})

test('for another tenant than the console shows by itself, ask says how to log in there', async () => {
  await ask('Is it so?')
  expect(said.at(-1)).toBe(`timeline: ${api.url}/console/runs/r`)
  await ask('Is it so?', 'acme')
  expect(said.at(-1)).toBe(`timeline: ${api.url}/console/runs/r (log in as you@acme)`)
})
