import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Platform, startPlatform } from '#cli/platform.ts'
import { redisConnections, untilReady } from '#shared/adapters/state/redis.ts'
import { readConfig } from '#shared/config.ts'
import { createLog } from '#shared/wiring.ts'
import { until } from '#test/chaos/until.ts'
import { keysHolding } from '#test/servers/keys-holding.ts'
import { putMigratedPglite } from '#test/servers/migrated-pglite.ts'
import { hasRedis, startRedis, type TestRedis } from '#test/servers/redis.ts'

const KEY = 'admin-key-of-the-cache-flow-test'
const ARTICLE = `# Returns of the Larkspur Hub 2

You can return a Hub 2 within 14 days of delivery. The return label for a Hub 2 is free of charge.

# Warranty of the Larkspur Hub 2

The warranty of a Hub 2 lasts three years from the day of purchase.
`
const ASKED = 'Within how many days of delivery can I return a Hub 2?'
type View = { status: string; answer?: { text: string }; usage: { cache: string } }

/** The API as its users see it, with the embedded database, a real Redis, and quotations in place of a model. */
describe.skipIf(!hasRedis)(`the cache, end to end${hasRedis ? '' : ' (needs redis-server)'}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'cache-flow-'))
  let redis: TestRedis
  let platform: Platform
  beforeAll(async () => {
    redis = await startRedis()
    const config = { ...readConfig({}), dataDir: folder, redisUrl: redis.socket, port: 0, adminApiKey: KEY }
    await putMigratedPglite(folder)
    platform = await startPlatform({ config, roles: { api: true, work: true }, log: createLog('silent') })
    await index(ARTICLE)
  })
  afterAll(async () => {
    await platform?.stop()
    await redis?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function call<T>(method: string, path: string, body?: object, more: Record<string, string> = {}): Promise<T> {
    const headers = { authorization: `Bearer ${KEY}`, ...(body ? { 'content-type': 'application/json' } : {}), ...more }
    const response = await fetch(`${platform.url}/v1${path}`, {
      method,
      headers,
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (response.status === 204 ? undefined : await response.json()) as T
  }
  async function index(text: string) {
    await call('POST', '/documents', { id: 'kb-1', title: 'Returns', text })
    await until(
      'the document is indexed',
      30_000,
      async () => (await call<{ state: string }>('GET', '/documents/kb-1')).state === 'indexed',
    )
  }
  async function ask(body: string, change: object = {}) {
    const { ticketId, runId } = await call<{ ticketId: string; runId: string }>('POST', '/tickets', { body, ...change })
    let view: View | undefined
    await until('the ticket is at rest', 30_000, async () => {
      view = await call<View>('GET', `/tickets/${ticketId}`)
      return ['answered', 'escalated', 'closed', 'dead'].includes(view.status)
    })
    return { ticketId, runId, status: view!.status, cache: view!.usage.cache, text: view!.answer?.text }
  }

  test('gives an answer again, says which, forgets it after a thumb down and when its document changes', async () => {
    const first = await ask(ASKED)
    expect(first).toMatchObject({ status: 'answered', cache: 'miss' })
    const again = await ask('Hello, within how many days of delivery can I return the Hub 2 please?')
    expect(again).toMatchObject({ status: 'answered', cache: 'hit', text: first.text })
    expect(JSON.stringify(await call('GET', `/runs/${again.runId}`))).toContain(`"matched":"${first.ticketId}"`)
    // One customer's tier is no other's.
    expect(await ask(ASKED, { requester: { id: 'c-1', tier: 'enterprise' } })).toMatchObject({ cache: 'miss' })

    await call('POST', `/tickets/${again.ticketId}/feedback`, { rating: 'down' })
    expect(await ask(ASKED)).toMatchObject({ cache: 'miss' })
    expect(await ask(ASKED)).toMatchObject({ cache: 'hit' })
    // Not yet indexed, and the old answer is gone already.
    await call('POST', '/documents', { id: 'kb-1', title: 'Returns', text: ARTICLE.replace('14', '30') })
    const changed = await ask(ASKED)
    expect(changed.cache).toBe('miss')
    await until(
      'the document is indexed',
      30_000,
      async () => (await call<{ state: string }>('GET', '/documents/kb-1')).state === 'indexed',
    )
    expect((await ask(ASKED)).text).toContain('30 days')
  })

  test('of a deleted document no word is left in Redis, and the passage a search gave is not replayed', async () => {
    await index(ARTICLE.replace('of delivery', 'of delivery to the Marzipan depot'))
    const first = await ask(ASKED, { conversationId: 'cnv_depot' })
    expect(first).toMatchObject({ status: 'answered', text: expect.stringContaining('Marzipan') })
    expect(await ask(ASKED)).toMatchObject({ cache: 'hit' })
    const search = () =>
      call<{ passages: { text: string }[] }>('POST', '/search', { query: ASKED }, { 'idempotency-key': 'depot' })
    expect(JSON.stringify(await search())).toContain('Marzipan')
    const store = redisConnections(redis.socket, createLog('silent')).producer()
    await untilReady(store, 10_000)
    try {
      expect((await keysHolding(store, ['Marzipan'])).map((name) => name.split(':')[1])).toEqual(
        expect.arrayContaining(['answer', 'conversation']),
      )
      await call('DELETE', '/documents/kb-1')
      expect(await keysHolding(store, ['Marzipan'])).toEqual([])
      // The sweeper of this process has the list.
      expect(platform.engine.copies).toBe(platform.doors.copies)
    } finally {
      store.disconnect()
    }
    expect(JSON.stringify(await search())).not.toContain('Marzipan')
    expect(await ask(ASKED)).not.toMatchObject({ text: expect.stringContaining('Marzipan') })
    await index(ARTICLE)
  })

  test('survives the loss of Redis: what is gone is a miss', async () => {
    const once = await ask(ASKED)
    expect(once.status).toBe('answered')
    expect(await ask(ASKED)).toMatchObject({ cache: 'hit' })
    await redis.flush()
    expect(await ask(`Please, ${ASKED}`)).toMatchObject({ cache: 'miss', status: 'answered' })
  })
})
