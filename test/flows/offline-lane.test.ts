import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiClient } from '#cli/client.ts'
import { demoTickets } from '#cli/demo-world.ts'
import { hasRedis, startRedis, type TestRedis } from '#test/servers/redis.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'
import { compareLanes, startBothLanes } from './both-lanes.ts'

const PATIENCE = { timeout: 120_000, interval: 200 }
/** Of the demo's tickets every so-many-th, so that the test stays short; `npm run bench -- lanes` compares them all. */
const STRIDE = 8

let redis: TestRedis
let simulator: Simulator
let both: Awaited<ReturnType<typeof startBothLanes>>
const dataDir = mkdtempSync(join(tmpdir(), 'offline-'))

beforeAll(async () => {
  if (!hasRedis) return
  redis = await startRedis()
  simulator = await startSimulator({ seed: 4 })
  both = await startBothLanes(redis.socket, simulator.url, dataDir, ({ url, key }) => apiClient(url, key.key))
}, 180_000)
afterAll(async () => {
  await both?.platform.stop()
  await simulator?.close()
  await redis?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

test.skipIf(!hasRedis)(
  'a ticket of the offline lane ends with the same facts as in the standard lane, given the same replies of the model',
  async () => {
    const tickets = demoTickets().filter(({ expect: ending }, i) => i % STRIDE === 0 && ending !== 'rejected')
    const compared = await compareLanes(tickets, both, async (left) => expect.poll(left, PATIENCE).toEqual([]))
    expect(compared.differences).toEqual([])
    expect(compared.parked).toBeGreaterThan(tickets.length / 3)
    expect(compared.parkedAt).toEqual(expect.arrayContaining(['generate', 'verify']))
    expect(simulator.batches().submitted).toBeGreaterThanOrEqual(compared.parked)
    const { client } = both
    const figures = (await client.request('GET', '/v1/batches')).body as { figures: { savedUsd: number; spillRatio: number } }
    expect(figures.figures.savedUsd).toBeGreaterThan(0)
    expect(figures.figures.spillRatio).toBe(0)
    const metrics = String((await client.request('GET', '/metrics')).body)
    for (const name of ['batches', 'batch_oldest_queued_seconds', 'batch_oldest_submitted_seconds', 'batch_spill_ratio'])
      expect(metrics).toContain(`answerline_${name}`)
    expect(metrics).toMatch(/answerline_batch_saved_usd(?:\{[^}]*\})? (?:0\.0*)?[1-9]/)
    expect(metrics).toMatch(/answerline_batch_requests\{[^}]*state="answered"[^}]*\} [1-9]/)
  },
  180_000,
)
