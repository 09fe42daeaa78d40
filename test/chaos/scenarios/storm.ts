import { setTimeout as sleep } from 'node:timers/promises'
import type { Installation } from '../installation.ts'
import type { Scenario } from '../scenario.ts'
import { processesOf } from './processes.ts'

const BLOWS: Readonly<Record<string, (installation: Installation) => Promise<unknown>>> = {
  killWorker: async (installation) => {
    await installation.workers()[0]!.process!.kill9()
    await processesOf(installation).ensure()
  },
  killApi: async (installation) => {
    await processesOf(installation).api().kill9()
    await processesOf(installation).ensure()
  },
  flushRedis: ({ redis }) => redis.flush(),
  emptyRedis: ({ redis }) => redis.restart('empty'),
  killRedis: ({ redis }) => redis.restart('keep'),
  restartPostgres: (installation) => processesOf(installation).postgres.restart(),
  terminateBackends: (installation) => processesOf(installation).postgres.terminateBackends(),
}

/** What each fault alone does is known; here they fall in an order that the seed decides, one into the recovery of another. */
export const storm: Scenario = {
  name: 'storm',
  sentence: 'kills, flushes and restarts in an order that the seed decides, one after the other, under load',
  async run({ installation, sender, tickets, random, size }) {
    const [count, blows] = size === 'full' ? [300, 8] : [60, 3]
    const load = sender.stream(tickets(count), 20)
    const names = Object.keys(BLOWS)
    const fell: Record<string, number> = {}
    for (let i = 0; i < blows; i++) {
      const name = names[Math.floor(random() * names.length)]!
      await sleep(500 + random() * 1_000)
      await BLOWS[name]!(installation)
      fell[name] = (fell[name] ?? 0) + 1
    }
    await load
    return { counts: fell, violations: [] }
  },
}
