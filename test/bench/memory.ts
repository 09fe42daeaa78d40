import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { BENCH_KEY } from './bench-config.ts'
import { quantile, rounded } from './figures.ts'
import { PERSISTENCE, startStores } from './private-stores.ts'
import { type BenchReport, machine } from './report.ts'
import { startSide } from './side.ts'

export type MemoryOptions = {
  readonly tickets: number
  readonly workSeconds: number
  readonly maxHeapMb?: number
  readonly say: (line: string) => void
}
export const FULL_MEMORY = { tickets: 100_000, workSeconds: 90 }
export const QUICK_MEMORY = { tickets: 2_000, workSeconds: 5 }

/** As the npm scripts and the image start the product; without a bound V8 lets garbage grow with the machine's memory. */
const STARTED_WITH_MB = 400
const SAMPLE_EVERY_MS = 500
const TARGET_MB = 600

/**
 * The largest resident memory of any Node process while so many tickets lie in the queue: the API that took them in by bulk
 * upload, and then a worker process that starts on the full queue. The peak is the kernel's own (VmHWM), so no sample misses it.
 */
export async function benchMemory({
  tickets,
  workSeconds,
  maxHeapMb = STARTED_WITH_MB,
  say,
}: MemoryOptions): Promise<BenchReport> {
  const where = machine()
  const stores = await startStores()
  const api = startSide('ingest-product.ts', { maxHeapMb })
  const worker = startSide('worker.ts', { maxHeapMb })
  const samples: number[] = []
  let sampling = true
  try {
    const at = {
      redisUrl: stores.redisUrl,
      databaseUrl: await stores.createDatabase('memory'),
      dataDir: stores.dataDir('memory'),
    }
    const { url } = await api.call<{ url: string }>('open', at)
    const before = { api: memoryMb(api.pid, 'VmRSS') }
    const sampler = (async () => {
      for (; sampling; await sleep(SAMPLE_EVERY_MS)) samples.push(...[api.pid, worker.pid].map((pid) => memoryMb(pid, 'VmRSS')))
    })()
    const startedAt = performance.now()
    const accepted = await upload(url, tickets)
    say(`${accepted} of ${tickets} tickets accepted in ${rounded((performance.now() - startedAt) / 1_000)} s`)
    const queued = await untilDispatched(api, accepted)
    await worker.call('open', { ...at, dataDir: stores.dataDir('memory-worker') })
    await sleep(workSeconds * 1_000)
    const left = await api.call<{ queued: number }>('counts')
    sampling = false
    await sampler
    const peaks = { api: memoryMb(api.pid, 'VmHWM'), worker: memoryMb(worker.pid, 'VmHWM') }
    const value = Math.max(peaks.api, peaks.worker)
    return {
      name: 'memory',
      value,
      unit: 'MB',
      baseline: before.api,
      ratio: rounded(value / before.api),
      p50: rounded(quantile(samples, 0.5)),
      p99: rounded(quantile(samples, 0.99)),
      quantilesOf: `MB resident, every ${SAMPLE_EVERY_MS} ms, both processes`,
      n: accepted,
      machine: where,
      persistence: PERSISTENCE,
      targetMb: TARGET_MB,
      maxHeapMb,
      peakMb: peaks,
      queued,
      workSeconds,
      begunMeanwhile: queued.queued - left.queued,
      notes:
        'baseline is the API process before the first ticket; the worker runs every step, without knowledge, so runs end at a person',
    }
  } finally {
    sampling = false
    await Promise.all([api.stop(), worker.stop()])
    await stores.stop()
  }
}

/** Resident now (`VmRSS`) or at most so far (`VmHWM`), in MB of 10^6 bytes; Linux only. */
const memoryMb = (pid: number, field: 'VmRSS' | 'VmHWM'): number => {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return rounded((Number(kib) * 1_024) / 1e6)
}

async function upload(url: string, tickets: number): Promise<number> {
  async function* lines() {
    const encoder = new TextEncoder()
    for (let i = 0; i < tickets; i++) {
      const ticket = {
        subject: `Question ${i}`,
        body: `My device number ${i} does not connect to the network any more. What can I do?`,
      }
      yield encoder.encode(`${JSON.stringify({ ...ticket, requester: { id: `customer-${i % 1_000}` } })}\n`)
    }
  }
  const response = await fetch(`${url}/v1/tickets/bulk`, {
    method: 'POST',
    headers: { authorization: `Bearer ${BENCH_KEY}`, 'content-type': 'application/x-ndjson' },
    body: ReadableStream.from(lines()),
    duplex: 'half',
  } as RequestInit)
  if (response.status !== 202) throw new Error(`the upload was answered ${response.status}: ${await response.text()}`)
  let accepted = 0
  let rest = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop()!
    accepted += parts.filter((line) => line.includes('"ticketId"')).length
  }
  return accepted
}

/** The runs are durable at once; their jobs follow, and what does not fit is the sweeper's. */
async function untilDispatched(api: ReturnType<typeof startSide>, accepted: number) {
  for (let quiet = 0, last = -1; ; await sleep(SAMPLE_EVERY_MS)) {
    const counts = await api.call<{ tickets: number; queued: number; jobs: number }>('counts')
    quiet = counts.jobs === last ? quiet + 1 : 0
    last = counts.jobs
    if (counts.jobs >= accepted || quiet >= 4) return counts
  }
}
