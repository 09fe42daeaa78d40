import { readFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import * as z from 'zod'

/** What every benchmark prints with `--json`; more fields say more, none of these is ever left out. */
export const BenchReport = z.looseObject({
  name: z.string(),
  value: z.number(),
  unit: z.string(),
  /** The same unit, measured in the same run; null where there is nothing to compare with. */
  baseline: z.number().nullable(),
  ratio: z.number().nullable(),
  /** Milliseconds, or the unit that `quantilesOf` names. */
  p50: z.number(),
  p99: z.number(),
  n: z.int().positive(),
  machine: z.string(),
})
export type BenchReport = z.infer<typeof BenchReport>

/** Class of machine and how busy it was when the run began, which says more about a figure than its digits. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const gib = Math.round(limitBytes() / 2 ** 30)
  return `${cpus().length} cores ${model}, ${gib} GiB, Node ${process.version}, load ${loadavg()[0]!.toFixed(2)} at the start`
}

/** In a container the limit of its control group is what counts. */
function limitBytes(): number {
  try {
    const limit = Number(readFileSync('/sys/fs/cgroup/memory.max', 'utf8'))
    return Number.isFinite(limit) && limit > 0 ? Math.min(limit, totalmem()) : totalmem()
  } catch {
    return totalmem()
  }
}

export function print(report: BenchReport, asJson: boolean): void {
  if (asJson) {
    console.log(JSON.stringify(report))
    return
  }
  const { name, value, unit, baseline, ratio, p50, p99, n, machine: where, ...more } = report
  const compared = baseline === null ? '' : `  (baseline ${baseline} ${unit}, ratio ${ratio})`
  console.log(`${name}: ${value} ${unit}${compared}\n  p50 ${p50}, p99 ${p99}, n ${n}\n  ${where}`)
  for (const [key, detail] of Object.entries(more)) console.log(`  ${key}: ${JSON.stringify(detail)}`)
}
