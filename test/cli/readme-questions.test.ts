import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiClient, type Client } from '#cli/client.ts'
import { loadDemo } from '#cli/load-demo.ts'
import { type Platform, startPlatform } from '#cli/platform.ts'
import { settled } from '#cli/settled.ts'
import { Accepted } from '#cli/views.ts'
import { createLog } from '#shared/wiring.ts'
import { BENCH_KEY, benchConfig } from '#test/bench/bench-config.ts'
import { putMigratedPglite } from '#test/servers/migrated-pglite.ts'
import { hasRedis, startRedis, type TestRedis } from '#test/servers/redis.ts'

/** Who tries the README meets an installation without a provider key, with the demo's knowledge. */

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
const asked = (pattern: RegExp) => [...readme.matchAll(pattern)].map(([, question]) => question!)
const overHttp = [...asked(/"body": "([^"]+)"/g), ...asked(/answerline -- ask "([^"]+)"/g)]
const overOpenAi = asked(/role: 'user', content: '([^']+)'/g)

describe.skipIf(!hasRedis)('what the README asks (needs redis-server on PATH)', () => {
  let redis: TestRedis
  let platform: Platform
  let client: Client
  const folder = mkdtempSync(join(tmpdir(), 'readme-'))

  beforeAll(async () => {
    redis = await startRedis()
    await putMigratedPglite(folder)
    const config = { ...benchConfig({ redisUrl: redis.socket, databaseUrl: '', dataDir: folder }), databaseUrl: undefined }
    platform = await startPlatform({ config, roles: { api: true, work: true }, log: createLog('silent') })
    client = apiClient(platform.url, BENCH_KEY)
    await loadDemo(platform, client)
  })
  afterAll(async () => {
    await platform?.stop()
    await redis?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('is there, on both routes', () => {
    expect(overHttp.length).toBeGreaterThan(1)
    expect(overOpenAi.length).toBeGreaterThan(0)
  })

  test.each(overHttp)('%j is answered with a citation', async (body) => {
    const { ticketId } = Accepted.parse((await client.request('POST', '/v1/tickets', { body, requester: { id: 'c-1' } })).body)
    const ticket = await settled(client, ticketId, 20_000)
    expect([ticket.status, ticket.escalation?.reason]).toEqual(['answered', undefined])
    expect(ticket.answer!.citations.length).toBeGreaterThan(0)
  })

  test.each(overOpenAi)('%j is answered with a citation by the OpenAI client', async (content) => {
    const openai = new OpenAI({ apiKey: BENCH_KEY, baseURL: `${platform.url}/v1`, maxRetries: 0 })
    const reply = await openai.chat.completions.create({ model: 'support', messages: [{ role: 'user', content }] })
    expect(reply).toMatchObject({ answerline: { status: 'answered', citations: [{ n: 1 }] } })
  })
})
