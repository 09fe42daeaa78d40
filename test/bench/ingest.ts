import { median, rounded } from './figures.ts'
import { PERSISTENCE, startStores } from './private-stores.ts'
import { type BenchReport, machine } from './report.ts'
import { type Side, startSide } from './side.ts'
import type { Fired, Flooded } from './sides/load.ts'

const CONNECTIONS = 50
const REPEATS = 50
/** Small enough to be full at once. */
const SMALL_BACKLOG = 1_000

export type IngestOptions = {
  readonly seconds: number
  readonly rounds: number
  readonly walSegments: number
  readonly profileFolder?: string | undefined
  readonly say: (line: string) => void
}
export const FULL_INGEST = { seconds: 5, rounds: 5, walSegments: 64 }
export const QUICK_INGEST = { seconds: 2, rounds: 2, walSegments: 8 }

type Counts = { readonly tickets: number; readonly queued: number; readonly jobs: number }

/** Durable, idempotent 202s a second against the same Fastify route with doors that keep nothing, in rounds that alternate. */
export async function benchIngest(options: IngestOptions): Promise<BenchReport> {
  const where = machine()
  const stores = await startStores(options)
  const { profileFolder } = options
  const product = startSide('ingest-product.ts', { profileFolder })
  const bare = startSide('ingest-bare.ts')
  const load = startSide('load.ts')
  try {
    const databaseUrl = await stores.createDatabase('ingest')
    const at = { redisUrl: stores.redisUrl, databaseUrl, dataDir: stores.dataDir('ingest') }
    const urls = {
      bare: (await bare.call<{ url: string }>('open')).url,
      product: (await product.call<{ url: string }>('open', at)).url,
    }
    const fired = await inTurn(urls, load, options)
    const sent = fired.product.reduce((sum, { accepted }) => sum + accepted, 0)
    const { tickets } = await product.call<Counts>('counts')
    if (tickets < sent) throw new Error(`${sent} tickets were accepted but only ${tickets} are in the database`)
    const replayed = await load.call<number>('repeat', { url: urls.product, n: REPEATS })
    return summary(fired, { sent, tickets, replayed, of: REPEATS }, await overload(product, load, urls.product), options, where)
  } finally {
    await Promise.all([product, bare, load].map((side) => side.stop()))
    await stores.stop()
  }
}

async function inTurn(
  urls: { readonly bare: string; readonly product: string },
  load: Side,
  { rounds, seconds, say }: IngestOptions,
) {
  const fired: { bare: Fired[]; product: Fired[] } = { bare: [], product: [] }
  for (let round = 0; round <= rounds; round++) {
    for (const name of ['bare', 'product'] as const) {
      const result = await load.call<Fired>('fire', {
        url: urls[name],
        seconds: round === 0 ? 1 : seconds,
        connections: CONNECTIONS,
      })
      if (result.others > 0) throw new Error(`${name}: ${result.others} answers were no 2xx`)
      // The first round warms up; its tickets count where tickets are counted, not where time is.
      if (round === 0) continue
      fired[name].push(result)
      say(`round ${round}: ${name} ${rounded(result.perSecond)}/s, p50 ${result.p50} ms, p99 ${result.p99} ms`)
    }
  }
  return fired
}

/** Pushes against a full backlog, first the tenant's (429), then the installation's (503), while nobody works it off. */
async function overload(product: Side, load: Side, url: string) {
  const before = await product.call<Counts>('counts')
  const push = async (target: string) => {
    const { statuses, refusedWithoutRetryAfter, slowestMs } = await load.call<Flooded>('flood', {
      url: target,
      seconds: 3,
      connections: CONNECTIONS,
    })
    const { queued, jobs } = await product.call<Counts>('counts')
    return { statuses, refusedWithoutRetryAfter, slowestMs: rounded(slowestMs), queuedAfterwards: queued, jobsAfterwards: jobs }
  }
  await product.call('limit', { maxBacklog: before.queued + SMALL_BACKLOG })
  const tenantFull = { first: await push(url), again: await push(url) }
  await product.call('limit', {})
  const { queued } = await product.call<Counts>('counts')
  const small = await product.call<{ url: string }>('openSmall', { maxBacklogTotal: queued + SMALL_BACKLOG })
  const installationFull = { first: await push(small.url), again: await push(small.url) }
  return { room: SMALL_BACKLOG, queuedBefore: before.queued, tenantFull, installationFull }
}

function summary(
  fired: { readonly bare: readonly Fired[]; readonly product: readonly Fired[] },
  durability: object,
  overloaded: object,
  { rounds, seconds }: IngestOptions,
  where: string,
): BenchReport {
  const of = (results: readonly Fired[], figure: 'perSecond' | 'p50' | 'p99') =>
    rounded(median(results.map((result) => result[figure])))
  const value = of(fired.product, 'perSecond')
  const baseline = of(fired.bare, 'perSecond')
  return {
    name: 'ingest',
    value,
    unit: '202/s',
    baseline,
    ratio: rounded(value / baseline),
    p50: of(fired.product, 'p50'),
    p99: of(fired.product, 'p99'),
    quantilesOf: `milliseconds of one POST at ${CONNECTIONS} connections; median of the rounds`,
    n: fired.product.reduce((sum, { accepted }) => sum + accepted, 0),
    machine: where,
    rounds,
    seconds,
    connections: CONNECTIONS,
    persistence: PERSISTENCE,
    perRound: fired.product.map(({ perSecond, p99 }) => ({ perSecond: rounded(perSecond), p99 })),
    bare: {
      p50: of(fired.bare, 'p50'),
      p99: of(fired.bare, 'p99'),
      perRound: fired.bare.map(({ perSecond }) => rounded(perSecond)),
    },
    durability,
    overload: overloaded,
  }
}
