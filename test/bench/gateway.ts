import { median, quantile, rounded } from './figures.ts'
import { PERSISTENCE, startStores } from './private-stores.ts'
import { type BenchReport, machine } from './report.ts'
import { type Side, startSide } from './side.ts'
import type { SteadyResult } from './steady-load.ts'

export type GatewayOptions = {
  readonly seconds: number
  readonly rounds: number
  readonly perSecond: number
  readonly profileFolder?: string | undefined
  readonly say: (line: string) => void
}
/** Short rounds that alternate often: what else the machine does strikes both sides alike. */
export const FULL_GATEWAY = { seconds: 3, rounds: 15, perSecond: 200 }
export const QUICK_GATEWAY = { seconds: 2, rounds: 1, perSecond: 50 }

/** About what the nearest provider needs; it keeps several calls in flight at once, as in life. */
const FIRST_TOKEN_MS = 20

type Took = { readonly p50: number; readonly p99: number; readonly n: number; readonly cpuMs: number }
type Sides = { readonly bare: Side; readonly product: Side }

/**
 * What routing, budget, journal, fallback and breaker add to a model call: the same streamed call through the product's model door
 * and through the bare SDK, at the same pace, in rounds that alternate; provider, product and baseline are processes of their own.
 */
export async function benchGateway(options: GatewayOptions): Promise<BenchReport> {
  const where = machine()
  const stores = await startStores()
  const provider = startSide('gateway-simulator.ts')
  const sides = { bare: startSide('gateway-bare.ts'), product: startSide('gateway-product.ts', options) }
  try {
    const providerUrl = (await provider.call<{ url: string }>('open', { firstTokenMs: FIRST_TOKEN_MS })).url
    const databaseUrl = await stores.createDatabase('gateway')
    await sides.bare.call('open', { providerUrl })
    await sides.product.call('open', { redisUrl: stores.redisUrl, databaseUrl, dataDir: stores.dataDir('gateway'), providerUrl })
    const rounds = await inTurn(sides, options)
    const { calls } = await sides.product.call<{ calls: number }>('recorded')
    const made = rounds.warmUp + rounds.product.reduce((sum, { n }) => sum + n, 0)
    if (calls !== made) throw new Error(`${made} calls were made but ${calls} are in the journal`)
    return summary(rounds, options, where)
  } finally {
    await Promise.all([provider, sides.bare, sides.product].map((side) => side.stop()))
    await stores.stop()
  }
}

async function inTurn(sides: Sides, { rounds, seconds, perSecond, say }: GatewayOptions) {
  const took: { bare: Took[]; product: Took[] } = { bare: [], product: [] }
  let warmUp = 0
  for (let round = 0; round <= rounds; round++) {
    for (const name of ['bare', 'product'] as const) {
      const load = { round: `${round}`, perSecond, seconds: round === 0 ? Math.min(3, seconds) : seconds }
      const { tookMs: ms, cpuMsPerCall: cpuMs } = await sides[name].call<SteadyResult>('fire', load)
      // The first round warms up: compilers, connections, prepared statements.
      if (round === 0) {
        if (name === 'product') warmUp = ms.length
        continue
      }
      const result = { p50: quantile(ms, 0.5), p99: quantile(ms, 0.99), n: ms.length, cpuMs }
      took[name].push(result)
      say(`round ${round}: ${name} p50 ${rounded(result.p50)} ms, p99 ${rounded(result.p99)} ms`)
    }
  }
  return { ...took, warmUp }
}

function summary(
  { bare, product }: { readonly bare: readonly Took[]; readonly product: readonly Took[] },
  { rounds, seconds, perSecond }: GatewayOptions,
  where: string,
): BenchReport {
  const of = (results: readonly Took[], figure: 'p50' | 'p99' | 'cpuMs') => median(results.map((result) => result[figure]))
  const added = (figure: 'p50' | 'p99') => rounded(of(product, figure) - of(bare, figure))
  return {
    name: 'gateway',
    value: added('p50'),
    unit: 'ms added',
    baseline: rounded(of(bare, 'p50')),
    ratio: rounded(of(product, 'p50') / of(bare, 'p50')),
    p50: added('p50'),
    p99: added('p99'),
    quantilesOf:
      'milliseconds added: the quantile of the product less that of the bare SDK, medians of the rounds; baseline is the bare p50',
    n: product.reduce((sum, { n }) => sum + n, 0),
    machine: where,
    bare: { p50: rounded(of(bare, 'p50')), p99: rounded(of(bare, 'p99')), cpuMsPerCall: rounded(of(bare, 'cpuMs')) },
    product: { p50: rounded(of(product, 'p50')), p99: rounded(of(product, 'p99')), cpuMsPerCall: rounded(of(product, 'cpuMs')) },
    callsPerSecond: perSecond,
    rounds,
    seconds,
    providerFirstTokenMs: FIRST_TOKEN_MS,
    persistence: PERSISTENCE,
  }
}
