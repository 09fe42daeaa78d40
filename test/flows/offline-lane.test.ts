import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiClient } from '#cli/client.ts'
import { demoTickets } from '#cli/demo-world.ts'
import { loadDemo } from '#cli/load-demo.ts'
import { type Platform, startPlatform } from '#cli/platform.ts'
import { createLog } from '#shared/wiring.ts'
import { benchConfig } from '#test/bench/bench-config.ts'
import { putMigratedPglite } from '#test/servers/migrated-pglite.ts'
import { hasRedis, startRedis, type TestRedis } from '#test/servers/redis.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'

/** What a run knows, without what names the run itself. */
const FACTS = ['screened', 'triage', 'passages', 'draft', 'verdict', 'answer'] as const
/** `released` is what followers were shown while it was written; nobody watches a batch write. */
const known = (fact: unknown) => JSON.stringify(fact, (name, value) => (name === 'released' ? undefined : value))
const REST = ['answered', 'closed', 'waiting', 'dead', 'cancelled']
const PATIENCE = { timeout: 60_000, interval: 100 }
/** Of the demo's tickets every so-many-th, so that the test stays short; a different one each keeps the mix of intents. */
const STRIDE = 5

let redis: TestRedis
let simulator: Simulator
let platform: Platform
let client: ReturnType<typeof apiClient>
const dataDir = mkdtempSync(join(tmpdir(), 'offline-'))

beforeAll(async () => {
  if (!hasRedis) return
  redis = await startRedis()
  simulator = await startSimulator({ seed: 4 })
  const config = {
    ...benchConfig({ redisUrl: redis.socket, databaseUrl: '', dataDir }),
    databaseUrl: undefined,
    openAi: { apiKey: 'simulated', baseUrl: `${simulator.url}/v1` },
    logLevel: 'silent' as const,
  }
  const pace = { collectEveryMs: 200, firstPollMs: 100, maxPollMs: 200, wakeEveryMs: 100, leaseMs: 10_000 }
  const batch = { thresholds: { ageMs: 100 }, pace }
  await putMigratedPglite(dataDir)
  platform = await startPlatform({ config, roles: { api: true, work: true }, log: createLog('silent'), batch })
  client = apiClient(platform.url, platform.key.key)
  await loadDemo(platform, client)
  const tenant = (await platform.doors.tenants.get('default'))!
  // Every ticket with a passage goes to the model: what is compared are the lanes, not the judgement of the evidence.
  const policies = { ...tenant.config.policies, cache: false, minEvidence: 0 }
  await platform.doors.tenants.update('default', { config: { ...tenant.config, policies } })
}, 90_000)
afterAll(async () => {
  await platform?.stop()
  await simulator?.close()
  await redis?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

test.skipIf(!hasRedis)(
  'a ticket of the offline lane ends with the same facts as in the standard lane, given the same replies of the model',
  async () => {
    const tickets = demoTickets().filter(({ expect: ending }, i) => i % STRIDE === 0 && ending !== 'rejected')
    const send = (lane: string) =>
      Promise.all(
        tickets.map(async ({ id, subject, body, channel, requester }) => {
          const ticket = { subject, body, channel, requester: { ...requester, id: `${requester.id}-${lane}` }, lane }
          const reply = await client.request('POST', '/v1/tickets', ticket)
          return { id, runId: (reply.body as { runId: string }).runId }
        }),
      )
    const runs = { standard: await send('standard'), offline: await send('offline') }
    await expect
      .poll(async () => {
        const all = await Promise.all([...runs.standard, ...runs.offline].map(({ runId }) => platform.doors.runs.load(runId)))
        return all.filter((run) => !REST.includes(run!.status)).map((run) => `${run!.lane} ${run!.step} ${run!.status}`)
      }, PATIENCE)
      .toEqual([])
    let parked = 0
    for (const [i, { id, runId }] of runs.standard.entries()) {
      const [one, other] = [(await platform.doors.runs.load(runId))!, (await platform.doors.runs.load(runs.offline[i]!.runId))!]
      expect(`${id} ${other.step} ${other.status}`).toBe(`${id} ${one.step} ${one.status}`)
      for (const fact of FACTS)
        expect(`${id} ${fact} ${known(other.facts[fact])}`).toBe(`${id} ${fact} ${known(one.facts[fact])}`)
      const log = await platform.doors.runs.attempts('default', other.id)
      if (log.some(({ result }) => result === 'parked')) parked++
    }
    expect(parked).toBeGreaterThan(tickets.length / 3)
    expect(simulator.batches().submitted).toBeGreaterThanOrEqual(parked)
    const figures = (await client.request('GET', '/v1/batches')).body as { figures: { savedUsd: number; spillRatio: number } }
    expect(figures.figures.savedUsd).toBeGreaterThan(0)
    expect(figures.figures.spillRatio).toBe(0)
    const metrics = String((await client.request('GET', '/metrics')).body)
    expect(metrics).toMatch(/answerline_batch_requests\{[^}]*state="answered"[^}]*\} [1-9]/)
  },
  120_000,
)
