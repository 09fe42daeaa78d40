import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { apiClient } from '#cli/client.ts'
import { demoTickets } from '#cli/demo-world.ts'
import { compareLanes, startBothLanes } from '#test/flows/both-lanes.ts'
import { startRedis } from '#test/servers/redis.ts'
import { startSimulator } from '#test/simulator/simulator.ts'
import { rounded } from './figures.ts'
import { type BenchReport, machine } from './report.ts'

export type LanesOptions = { readonly tickets: number; readonly say: (line: string) => void }
export const FULL_LANES = { tickets: Number.POSITIVE_INFINITY }
export const QUICK_LANES = { tickets: 10 }

/** Whether every ticket of the demo ends with the same facts in the offline lane as in the standard one: the value is how many do not. */
export async function benchLanes({ tickets: most, say }: LanesOptions): Promise<BenchReport> {
  const where = machine()
  const dataDir = mkdtempSync(join(tmpdir(), 'answerline-lanes-'))
  const [redis, simulator] = [await startRedis(), await startSimulator({ seed: 4 })]
  const both = await startBothLanes(redis.socket, simulator.url, dataDir, ({ url, key }) => apiClient(url, key.key))
  try {
    const startedAt = performance.now()
    const tickets = demoTickets()
      .filter(({ expect: ending }) => ending !== 'rejected')
      .slice(0, most)
    const compared = await compareLanes(tickets, both, async (left) => {
      for (let runs = await left(); runs.length > 0; runs = await left()) {
        say(`${runs.length} runs are not at rest`)
        await sleep(2_000)
      }
    })
    for (const difference of compared.differences) say(difference.slice(0, 2_000))
    const seconds = rounded((performance.now() - startedAt) / 1_000)
    const { batches, submitted } = simulator.batches()
    return {
      name: 'lanes',
      value: compared.differences.length,
      unit: 'differences',
      baseline: null,
      ratio: null,
      p50: seconds,
      p99: seconds,
      quantilesOf: 'seconds of the whole comparison',
      n: compared.tickets,
      machine: where,
      parked: compared.parked,
      parkedAt: compared.parkedAt,
      submitted,
      providerBatches: batches,
      notes: 'the replies come from our own simulator, which answers the same request in the same way',
    }
  } finally {
    await both.platform.stop()
    await simulator.close()
    await redis.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
