import { median, quantile, rounded } from './figures.ts'
import { PERSISTENCE, startStores } from './private-stores.ts'
import { type BenchReport, machine } from './report.ts'
import { type Side, startSide } from './side.ts'

type Round = { readonly seconds: number; readonly cpuMicros: number; readonly hops: number; readonly answered?: number }
export type PipelineOptions = {
  readonly runs: number
  readonly rounds: number
  readonly idleRuns: number
  readonly withReal: boolean
  readonly profileFolder?: string | undefined
  readonly say: (line: string) => void
}
export const FULL = { runs: 2_000, rounds: 5, idleRuns: 300, withReal: true }
export const QUICK = { runs: 100, rounds: 1, idleRuns: 10, withReal: false }

/** Fewer real runs a round: they are slower, and a round should take seconds, not minutes. */
const REAL_SHARE = 0.5

/**
 * Runs a second through the engine against a bare chain of eight BullMQ queues with one durable statement a hop, on the same
 * servers, in rounds that alternate. A run of the engine has 8 hops on average, one of the real pipeline 7; `ratio` compares hops.
 */
export async function benchPipeline(options: PipelineOptions): Promise<BenchReport> {
  const where = machine()
  const stores = await startStores()
  const sides: Side[] = []
  try {
    const open = async (file: string, kind: 'bare' | 'stub' | 'real') => {
      const side = startSide(file, { profileFolder: options.profileFolder })
      sides.push(side)
      const { redisUrl } = stores
      await side.call('open', { kind, redisUrl, databaseUrl: await stores.createDatabase(kind), dataDir: stores.dataDir(kind) })
      return side
    }
    const bare = await open('bare-chain.ts', 'bare')
    const engine = await open('product.ts', 'stub')
    const real = options.withReal ? await open('product.ts', 'real') : undefined
    const contenders = { bare, engine, ...(real ? { real } : {}) }
    const figures = await inTurn(contenders, options)
    const idle = { bare: await bare.call<number[]>('idle', { n: options.idleRuns }), engine: await idleOf(engine, options) }
    const realIdle = real && (await idleOf(real, options))
    return summary(figures, idle, realIdle, options, where)
  } finally {
    await Promise.all(sides.map((side) => side.stop()))
    await stores.stop()
  }
}

/** The first idle runs find cold caches and connections; they are not a part of the figure. */
async function idleOf(side: Side, { idleRuns }: PipelineOptions): Promise<number[]> {
  await side.call('idle', { n: Math.ceil(idleRuns / 10) })
  return side.call<number[]>('idle', { n: idleRuns })
}

async function inTurn(contenders: Readonly<Record<string, Side>>, { runs, rounds, say }: PipelineOptions) {
  const figures: Record<
    string,
    { runsPerSecond: number[]; hopsPerSecond: number[]; cpuMicrosPerHop: number[]; hopsPerRun: number }
  > = {}
  for (let round = 0; round <= rounds; round++) {
    for (const [name, side] of Object.entries(contenders)) {
      const warmUp = round === 0
      const n = Math.ceil(runs * (name === 'real' ? REAL_SHARE : 1) * (warmUp ? 0.25 : 1))
      const { seconds, cpuMicros, hops, answered } = await side.call<Round>('round', { n })
      if (answered !== undefined && answered !== n) throw new Error(`${name}: only ${answered} of ${n} runs were answered`)
      if (warmUp) continue
      figures[name] ??= { runsPerSecond: [], hopsPerSecond: [], cpuMicrosPerHop: [], hopsPerRun: hops / n }
      figures[name].runsPerSecond.push(n / seconds)
      figures[name].hopsPerSecond.push(hops / seconds)
      figures[name].cpuMicrosPerHop.push(cpuMicros / hops)
      say(
        `round ${round}: ${name} ${rounded(n / seconds)} runs/s, ${rounded(hops / seconds)} hops/s, ${rounded(cpuMicros / hops)} µs of processor a hop`,
      )
    }
  }
  return figures
}

type Figures = Awaited<ReturnType<typeof inTurn>>

function summary(
  figures: Figures,
  idle: { readonly bare: readonly number[]; readonly engine: readonly number[] },
  realIdle: readonly number[] | undefined,
  { runs, rounds, idleRuns }: PipelineOptions,
  where: string,
): BenchReport {
  const bareHops = median(figures.bare!.hopsPerSecond)
  const side = (name: string) => {
    const { runsPerSecond, hopsPerSecond, cpuMicrosPerHop, hopsPerRun } = figures[name]!
    const hops = median(hopsPerSecond)
    return {
      runsPerSecond: rounded(median(runsPerSecond)),
      hopsPerSecond: rounded(hops),
      hopsPerRun,
      // Of the Node process alone; unlike the rates it hardly depends on what else the machine does.
      cpuMicrosPerHop: rounded(median(cpuMicrosPerHop)),
      ratio: rounded(hops / bareHops),
      rounds: runsPerSecond.map(rounded),
    }
  }
  const engine = side('engine')
  const times = (values: readonly number[]) => ({ p50: rounded(quantile(values, 0.5)), p99: rounded(quantile(values, 0.99)) })
  const realSteps = figures.real && realIdle ? { realSteps: { ...side('real'), idleMs: times(realIdle) } } : {}
  const bare = side('bare')
  return {
    name: 'pipeline',
    value: engine.runsPerSecond,
    unit: 'runs/s',
    baseline: bare.runsPerSecond,
    ratio: engine.ratio,
    ...times(idle.engine),
    quantilesOf: 'milliseconds of one run alone, from dispatch to end',
    n: runs,
    machine: where,
    rounds,
    idleRuns,
    persistence: PERSISTENCE,
    engine,
    ...realSteps,
    bare: { ...bare, idleMs: times(idle.bare) },
    notes:
      'ratio compares hops per second; runs of the engine have 7 or 9 hops (8 on average), of the bare chain 8, of the real steps 7',
  }
}
