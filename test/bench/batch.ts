import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { seededRandom } from '#test/simulator/seeded-random.ts'
import { assemble } from './batch-assembly.ts'
import type { BatchBench, BatchProviderName } from './batch-config.ts'
import { rounded } from './figures.ts'
import { PERSISTENCE, type Stores, startStores } from './private-stores.ts'
import { type BenchReport, machine } from './report.ts'
import { type Side, startSide } from './side.ts'

export type BatchOptions = {
  readonly runs: number
  readonly kills: number
  readonly flushes: number
  /** Requests that are assembled at once, of 4 KB each, and runs that are woken; 0 leaves that part out. */
  readonly assembled: number
  readonly woken: number
  readonly workload: 'tickets' | 'documents'
  readonly provider: BatchProviderName
  readonly say: (line: string) => void
}
const TICKETS = { workload: 'tickets', provider: 'openai' } as const
export const FULL_BATCH = { runs: 10_000, kills: 10, flushes: 2, assembled: 50_000, woken: 3_000, ...TICKETS }
export const QUICK_BATCH = { runs: 300, kills: 2, flushes: 1, assembled: 1_000, woken: 200, ...TICKETS }

const SEED = 20_261_121
const BODY_BYTES = 300
const WORKER_FLAGS = { maxHeapMb: 400 }
const PATIENCE_MS = 60 * 60_000
/** Kills come at random points of the way between these shares of it, so that all of them hit work. */
const FIRST_KILL = 0.02
const LAST_KILL = 0.9

type State = {
  ended: number
  parked: number
  results: number
  repeated: number
  /** Results as the set hands them out; as many as `results` where there are sets. */
  kept: number
  cost: number
  /** Requests asked for so far, and those of them that have ended, however. */
  asked: number
  settled: number
  spilled: number
  batches: number
}
type Metered = { submitted: number; submittedTwice: number; costUsd: number; batches: number; calls: number }

/**
 * The exactness drill: runs of the offline lane, item errors, one expired and one rejected batch, shuffled results, the batch worker
 * killed and Redis flushed at random moments. Then the speed of assembling and of waking, each alone.
 */
export async function benchBatch(options: BatchOptions): Promise<BenchReport> {
  const where = machine()
  const stores = await startStores()
  const sides: Side[] = []
  const open = (file: string) => {
    const side = startSide(file)
    sides.push(side)
    return side
  }
  try {
    const simulator = open('simulator.ts')
    const requests = Math.max(50, Math.ceil(options.runs / 16))
    const plan = {
      itemErrors: 0.03,
      expire: [2],
      reject: [1],
      shuffle: true,
      requestsPerSecond: requests / 4,
      validatingMs: 500,
      finalizingMs: 300,
    }
    const simulatorUrl = await simulator.call<string>('open', { seed: SEED, batch: plan })
    const pace = {
      collectEveryMs: 500,
      firstPollMs: 500,
      maxPollMs: 1_000,
      leaseMs: 4_000,
      createSettleMs: 3_000,
      wakeEveryMs: 250,
      spillPerSecond: 100,
    }
    const bench: BatchBench = {
      redisUrl: stores.redisUrl,
      databaseUrl: await stores.createDatabase('drill'),
      dataDir: stores.dataDir('drill'),
      simulatorUrl,
      workload: options.workload,
      provider: options.provider,
      settings: { thresholds: { requests, maxRequests: requests, ageMs: 2_000 }, pace },
    }
    const runs = open('batch-runs.ts')
    await runs.call('open', bench)
    const drill = await exactness(runs, simulator, bench, options)
    await runs.call('stopWorking')
    await simulator.call('setPlan', { itemErrors: 0.03, shuffle: true })
    return report(drill, await speed(runs, bench, stores, open, options), options, where)
  } finally {
    await Promise.all(sides.map((side) => side.stop()))
    await stores.stop()
  }
}

async function speed(
  runs: Side,
  bench: BatchBench,
  stores: Stores,
  open: (file: string) => Side,
  { woken, assembled, provider, say }: BatchOptions,
): Promise<object> {
  const wokenPerSecond = woken === 0 ? null : rounded(await runs.call<number>('resume', { n: woken }))
  say(`woke ${wokenPerSecond} runs/s`)
  if (assembled === 0) return { wokenPerSecond }
  const at = { databaseUrl: await stores.createDatabase('assembly'), dataDir: stores.dataDir('assembly') }
  const assembly = await assemble({ ...bench, ...at }, assembled, provider, open)
  say(`assembled ${JSON.stringify(assembly)}`)
  return { wokenPerSecond, ...assembly }
}

type Drill = {
  kills: number
  flushes: number
  /** Where on its way the drill was when the worker was killed, from 0 to 1. */
  killedAt: number[]
  state: State
  metered: Metered
  seconds: number
}

async function exactness(runs: Side, simulator: Side, bench: BatchBench, options: BatchOptions): Promise<Drill> {
  const { runs: n, kills, flushes, say } = options
  const random = seededRandom(SEED)
  const points = Array.from({ length: kills }, () => FIRST_KILL + random() * (LAST_KILL - FIRST_KILL)).toSorted((a, b) => a - b)
  const startedAt = performance.now()
  const deadline = startedAt + PATIENCE_MS
  const accepting = runs.call('begin', { n, bodyBytes: BODY_BYTES })
  let worker = await startWorker(bench)
  const redis = new Redis(bench.redisUrl)
  const killedAt: number[] = []
  let flushed = 0
  const kill = async (way: number) => {
    await sleep(random() * 500)
    process.kill(worker.pid, 'SIGKILL')
    killedAt.push(rounded(way))
    worker = await startWorker(bench)
    if (flushed < flushes && (killedAt.length - 1) % Math.max(1, Math.floor(kills / flushes)) === 1) {
      await redis.flushall()
      flushed++
    }
  }
  try {
    for (let said = 0; ; said++) {
      const state = await runs.call<State>('state')
      const way = (state.asked + state.settled + state.ended) / (3 * n)
      if (said % 20 === 0)
        say(`${state.asked} asked, ${state.settled} answered or spilled, ${state.ended} of ${n} ended, ${killedAt.length} kills`)
      if (killedAt.length < kills && way >= points[killedAt.length]!) await kill(way)
      else if (state.ended >= n) {
        await accepting
        const metered = await simulator.call<Metered>('figures')
        return {
          kills: killedAt.length,
          flushes: flushed,
          killedAt,
          state,
          metered,
          seconds: (performance.now() - startedAt) / 1_000,
        }
      }
      if (performance.now() > deadline) throw new Error(`not at rest: ${JSON.stringify(state)}`)
      await sleep(500)
    }
  } finally {
    redis.disconnect()
    await worker.stop()
  }
}

async function startWorker(bench: BatchBench): Promise<Side> {
  const worker = startSide('batch-worker.ts', WORKER_FLAGS)
  await worker.call('open', bench)
  return worker
}

function report(drill: Drill, speeds: object, { runs: n, workload, provider }: BatchOptions, where: string): BenchReport {
  const { state, metered, seconds, kills, flushes, killedAt } = drill
  const cents = (usd: number) => Math.round(usd * 100) / 100
  return {
    name: provider === 'anthropic' ? 'batch-anthropic' : workload === 'documents' ? 'batch-documents' : 'batch',
    value: rounded(n / seconds),
    unit: 'runs/s',
    baseline: null,
    ratio: null,
    p50: rounded(seconds),
    p99: rounded(seconds),
    quantilesOf: 'seconds of the whole drill',
    n,
    machine: where,
    workload,
    provider,
    documents: n,
    results: state.results,
    repeatedResults: state.repeated,
    keptResults: state.kept,
    submittedTwice: metered.submittedTwice,
    costReported: cents(state.cost),
    costMetered: cents(metered.costUsd),
    exactCost: { reportedUsd: state.cost, meteredUsd: metered.costUsd },
    kills,
    killedAt,
    flushes,
    submitted: metered.submitted,
    spilled: state.spilled,
    batches: state.batches,
    providerBatches: metered.batches,
    ...speeds,
    persistence: PERSISTENCE,
    notes: 'the provider is our own simulator; spilled requests were asked synchronously and are not counted as submitted twice',
  }
}
