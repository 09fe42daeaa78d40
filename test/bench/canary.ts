import { canaryDrill } from '#test/workers/logic/canary-drill.ts'
import { rounded } from './figures.ts'
import { type BenchReport, machine } from './report.ts'

export const FULL_CANARY = { runs: 15_000 }
export const QUICK_CANARY = { runs: 500 }
const SEED = 1

/** Adversarial outputs of which a mark or a rule of our prompts would be delivered; the target is none. */
export async function benchCanary({
  runs,
  say,
}: {
  readonly runs: number
  readonly say: (line: string) => void
}): Promise<BenchReport> {
  const where = machine()
  const cpu = process.cpuUsage()
  const { leaks, delivered } = canaryDrill(runs, SEED)
  const eachMs = rounded((process.cpuUsage(cpu).user + process.cpuUsage(cpu).system) / 1_000 / runs)
  for (const { kind, text } of leaks.slice(0, 10)) say(`leaked (${kind}): ${text}`)
  return {
    name: 'canary',
    value: leaks.length,
    unit: 'leaks',
    baseline: null,
    ratio: null,
    p50: eachMs,
    p99: eachMs,
    quantilesOf: 'mean ms of CPU per output',
    n: runs,
    machine: where,
    delivered,
    seed: SEED,
  }
}
