import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { seededRandom } from '#test/simulator/seeded-random.ts'
import type { BatchBench } from './batch-config.ts'
import { rounded } from './figures.ts'
import { PERSISTENCE, startStores } from './private-stores.ts'
import { type BenchReport, machine } from './report.ts'
import { type Side, startSide } from './side.ts'

export type BatchOptions = {
  readonly runs: number
  readonly kills: number
  readonly flushes: number
  /** Requests that are assembled at once, of 4 KB each, and runs that are woken. */
  readonly assembled: number
  readonly woken: number
  readonly workload: 'tickets' | 'documents'
  readonly say: (line: string) => void
}
export const FULL_BATCH = { runs: 10_000, kills: 10, flushes: 2, assembled: 50_000, woken: 3_000, workload: 'tickets' as const }
export const QUICK_BATCH = { runs: 300, kills: 2, flushes: 1, assembled: 1_000, woken: 200, workload: 'tickets' as const }

const SEED = 20_261_121
const BODY_BYTES = 300
const ASSEMBLED_BYTES = 4_096
/** As the product is started (its heap) and as a worker of large batches should be (its young generation). */
const WORKER_FLAGS = { maxHeapMb: 400, maxSemiSpaceMb: 2 }
const PATIENCE_MS = 15 * 60_000

type State = { ended: number; parked: number; results: number; repeated: number; cost: number; spilled: number; batches: number }
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
      settings: { thresholds: { requests, maxRequests: requests, ageMs: 2_000 }, pace },
    }
    const runs = open('batch-runs.ts')
    await runs.call('open', bench)
    const drill = await exactness(runs, simulator, bench, options)
    await runs.call('stopWorking')
    const wokenPerSecond = rounded(await runs.call<number>('resume', { n: options.woken }))
    options.say(`woke ${wokenPerSecond} runs/s`)
    const assembly = await assemble(bench, stores, open, options)
    return report(drill, { wokenPerSecond, ...assembly }, options, where)
  } finally {
    await Promise.all(sides.map((side) => side.stop()))
    await stores.stop()
  }
}

async function exactness(runs: Side, simulator: Side, bench: BatchBench, { runs: n, kills, flushes, say }: BatchOptions) {
  const random = seededRandom(SEED)
  const startedAt = performance.now()
  const accepting = runs.call('begin', { n, bodyBytes: BODY_BYTES })
  let worker = await startWorker(bench)
  const redis = new Redis(bench.redisUrl)
  const stop = new AbortController()
  const done = { kills: 0, flushes: 0, peakMb: 0 }
  const disturb = async () => {
    for (let i = 0; i < kills && !stop.signal.aborted; i++) {
      await sleep(300 + random() * 3_000)
      if (stop.signal.aborted) return
      process.kill(worker.pid, 'SIGKILL')
      done.kills++
      worker = await startWorker(bench)
      if (done.flushes < flushes && i % Math.max(1, Math.floor(kills / flushes)) === 1) {
        await redis.flushall()
        done.flushes++
      }
    }
  }
  const disturbing = disturb()
  try {
    await accepting
    const state = await untilAtRest(runs, n, say)
    stop.abort()
    await disturbing
    done.peakMb = await worker.call<number>('peakMb').catch(() => 0)
    const metered = await simulator.call<Metered>('figures')
    return { ...done, state, metered, seconds: (performance.now() - startedAt) / 1_000 }
  } finally {
    stop.abort()
    redis.disconnect()
    await disturbing
    await worker.stop()
  }
}

async function startWorker(bench: BatchBench): Promise<Side> {
  const worker = startSide('batch-worker.ts', WORKER_FLAGS)
  await worker.call('open', bench)
  return worker
}

async function untilAtRest(runs: Side, n: number, say: (line: string) => void): Promise<State> {
  const deadline = performance.now() + PATIENCE_MS
  for (let said = 0; ; said++) {
    const state = await runs.call<State>('state')
    if (state.ended >= n) return state
    if (said % 10 === 0)
      say(`${state.ended}/${n} ended, ${state.parked} parked, ${state.spilled} spilled, ${state.batches} batches`)
    if (performance.now() > deadline) throw new Error(`not at rest: ${JSON.stringify(state)}`)
    await sleep(500)
  }
}

/** One batch of large requests on a database of its own, by a fresh process whose memory is looked at. */
async function assemble(
  drill: BatchBench,
  stores: Awaited<ReturnType<typeof startStores>>,
  open: (file: string) => Side,
  options: BatchOptions,
) {
  const databaseUrl = await stores.createDatabase('assembly')
  const thresholds = {
    requests: options.assembled,
    maxRequests: options.assembled,
    ageMs: 3_600_000,
    bytes: 1e12,
    inputTokens: 1e12,
  }
  const bench = { ...drill, databaseUrl, dataDir: stores.dataDir('assembly'), settings: { ...drill.settings, thresholds } }
  const filler = open('batch-runs.ts')
  await filler.call('open', bench)
  await filler.call('stopWorking')
  // Some bytes are the frame of a line: 50,000 lines of exactly 4 KB would not fit into the 200 MB that one file may have.
  const bytes = await filler.call<number>('fill', { n: options.assembled, bodyBytes: ASSEMBLED_BYTES - 400 })
  const worker = await startWorker(bench)
  try {
    for (;;) {
      const done = await filler.call<{ seconds: number; requests: number } | undefined>('assembled')
      if (done && done.requests >= options.assembled * 0.99) {
        const peakMb = await worker.call<number>('peakMb')
        options.say(
          `assembled ${done.requests} requests, ${Math.round(bytes / 1e6)} MB, in ${rounded(done.seconds)} s, ${Math.round(peakMb)} MB of memory at most`,
        )
        return { assembledRequests: done.requests, assembleSeconds: rounded(done.seconds), workerPeakMb: Math.round(peakMb) }
      }
      await sleep(200)
    }
  } finally {
    await worker.stop()
  }
}

type Drill = Awaited<ReturnType<typeof exactness>>

function report(drill: Drill, speed: object, { runs: n, workload }: BatchOptions, where: string): BenchReport {
  const { state, metered, seconds, kills, flushes } = drill
  const cents = (usd: number) => Math.round(usd * 100) / 100
  return {
    name: workload === 'documents' ? 'batch-documents' : 'batch',
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
    documents: n,
    results: state.results,
    repeatedResults: state.repeated,
    submittedTwice: metered.submittedTwice,
    costReported: cents(state.cost),
    costMetered: cents(metered.costUsd),
    exactCost: { reportedUsd: state.cost, meteredUsd: metered.costUsd },
    kills,
    flushes,
    submitted: metered.submitted,
    spilled: state.spilled,
    batches: state.batches,
    providerBatches: metered.batches,
    ...speed,
    workerFlags: WORKER_FLAGS,
    persistence: PERSISTENCE,
    notes: 'the provider is our own simulator; spilled requests were asked synchronously and are not counted as submitted twice',
  }
}
