import { parseArgs } from 'node:util'
import { benchBatch, FULL_BATCH, QUICK_BATCH } from './batch.ts'
import { benchCache, FULL_CACHE, QUICK_CACHE } from './cache.ts'
import { benchCanary, FULL_CANARY, QUICK_CANARY } from './canary.ts'
import { benchDayCost, FULL_DAY, QUICK_DAY } from './day-cost.ts'
import { benchGateway, FULL_GATEWAY, QUICK_GATEWAY } from './gateway.ts'
import { benchIngest, FULL_INGEST, QUICK_INGEST } from './ingest.ts'
import { benchIntentLatency, FULL_INTENT, QUICK_INTENT } from './intent-latency.ts'
import { benchLanes, FULL_LANES, QUICK_LANES } from './lanes.ts'
import { benchLeaks, FULL_LEAKS, QUICK_LEAKS } from './leaks.ts'
import { benchMemory, FULL_MEMORY, QUICK_MEMORY } from './memory.ts'
import { benchPipeline, FULL, QUICK } from './pipeline.ts'
import { benchGuardLatency, benchLedgerLatency, FULL_PROOF, QUICK_PROOF } from './proof-latency.ts'
import { type BenchReport, print } from './report.ts'
import { benchRetrieval, FULL_RETRIEVAL, QUICK_RETRIEVAL } from './retrieval.ts'
import { benchSealing, FULL_SEALING, QUICK_SEALING } from './sealing.ts'
import { benchStream, FULL_STREAM, QUICK_STREAM } from './stream.ts'

/** `npm run bench -- NAME [--json] [--quick] [--runs N] [--rounds N] [--heap MB] [--profile FOLDER]`: one benchmark, its baseline measured in the same run. */

export type BenchArguments = {
  readonly quick: boolean
  /** In place of the benchmark's own numbers. */
  readonly runs?: number
  readonly rounds?: number
  /** Of each Node process of the memory benchmark. */
  readonly maxHeapMb?: number
  readonly profileFolder: string | undefined
  /** Progress goes to standard error: what is printed on standard output is the report alone. */
  readonly say: (line: string) => void
}

const BENCHES: Readonly<Record<string, (options: BenchArguments) => Promise<BenchReport | undefined>>> = {
  pipeline: ({ quick, ...options }) => benchPipeline({ ...(quick ? QUICK : FULL), ...options }),
  ingest: ({ quick, ...options }) => benchIngest({ ...(quick ? QUICK_INGEST : FULL_INGEST), ...options }),
  batch: ({ quick, ...options }) => benchBatch({ ...(quick ? QUICK_BATCH : FULL_BATCH), ...options }),
  'batch-documents': ({ quick, ...options }) =>
    benchBatch({ ...(quick ? QUICK_BATCH : FULL_BATCH), ...options, workload: 'documents', woken: 0, assembled: 0 }),
  'batch-anthropic': ({ quick, ...options }) =>
    benchBatch({ ...(quick ? QUICK_BATCH : FULL_BATCH), ...options, workload: 'documents', provider: 'anthropic', woken: 0 }),
  lanes: ({ quick, runs, say }) => {
    const sizes = quick ? QUICK_LANES : FULL_LANES
    return benchLanes({ ...sizes, ...(runs === undefined ? {} : { tickets: runs }), say })
  },
  cache: ({ quick, say }) => benchCache({ ...(quick ? QUICK_CACHE : FULL_CACHE), say }),
  canary: ({ quick, ...options }) => benchCanary({ ...(quick ? QUICK_CANARY : FULL_CANARY), ...options }),
  memory: ({ quick, ...options }) => benchMemory({ ...(quick ? QUICK_MEMORY : FULL_MEMORY), ...options }),
  gateway: ({ quick, ...options }) => benchGateway({ ...(quick ? QUICK_GATEWAY : FULL_GATEWAY), ...options }),
  'day-cost': ({ quick, ...options }) => benchDayCost({ ...(quick ? QUICK_DAY : FULL_DAY), ...options }),
  retrieval: ({ quick, runs, say }) => {
    const sizes = quick ? QUICK_RETRIEVAL : FULL_RETRIEVAL
    return benchRetrieval({ ...sizes, ...(runs === undefined ? {} : { large: runs }), say })
  },
  stream: ({ quick, runs, ...options }) => {
    const sizes = quick ? QUICK_STREAM : FULL_STREAM
    return benchStream({ ...sizes, ...options, ...(runs === undefined ? {} : { conversations: runs }) })
  },
  leaks: ({ quick, runs, say }) =>
    benchLeaks({ ...(quick ? QUICK_LEAKS : FULL_LEAKS), ...(runs === undefined ? {} : { tickets: runs }), say }),
  sealing: ({ quick }) => benchSealing(quick ? QUICK_SEALING : FULL_SEALING),
  'guard-latency': ({ quick, ...options }) => benchGuardLatency({ ...(quick ? QUICK_PROOF : FULL_PROOF), ...options }),
  'ledger-latency': ({ quick, ...options }) => benchLedgerLatency({ ...(quick ? QUICK_PROOF : FULL_PROOF), ...options }),
  'intent-latency': ({ quick, ...options }) => benchIntentLatency({ ...(quick ? QUICK_INTENT : FULL_INTENT), ...options }),
}

function positive(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new TypeError(`"${text}" is not a whole number from 1`)
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      runs: { type: 'string' },
      rounds: { type: 'string' },
      heap: { type: 'string' },
      profile: { type: 'string' },
    },
  })
  const bench = positionals.length === 1 ? BENCHES[positionals[0]!] : undefined
  if (!bench) {
    console.error(
      `usage: npm run bench -- ${Object.keys(BENCHES).join(' | ')} [--json] [--quick] [--runs N] [--rounds N] [--heap MB] [--profile FOLDER]`,
    )
    return 2
  }
  const say = (line: string) => console.error(line)
  const given = {
    ...(values.runs === undefined ? {} : { runs: positive(values.runs) }),
    ...(values.rounds === undefined ? {} : { rounds: positive(values.rounds) }),
    ...(values.heap === undefined ? {} : { maxHeapMb: positive(values.heap) }),
  }
  const report = await bench({ quick: values.quick, profileFolder: values.profile, say, ...given })
  // A benchmark that lacks its data has said so.
  if (report) print(report, values.json)
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
