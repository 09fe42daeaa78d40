import { setImmediate as letOthersRun } from 'node:timers/promises'
import * as z from 'zod'
import { screenDocument } from '#workers/logic/guard-document.ts'
import { SUSPICIOUS_FROM, scoreMessage } from '#workers/logic/guard-message.ts'
import { shippedWeights } from '#workers/logic/guard-weights.ts'
import { readRows } from './guard-corpus.ts'

/** `label` 1 is an attack. Kinds that end in `_doc` go through the channel of documents. `src` is broken down by, too, where it is given. */
const Row = z.object({
  text: z.string(),
  label: z.union([z.literal(0), z.literal(1)]),
  kind: z.string().min(1),
  src: z.string().optional(),
})
type Judged = z.infer<typeof Row> & { readonly flagged: boolean; readonly blocked: boolean; readonly latencyMs: number }

export type Rate = { n: number; ci95: [number, number]; blocked: number } & ({ recall: number } | { falsePositiveRate: number })
export type GuardReport = {
  suite: 'guard'
  n: number
  metrics: {
    byKind: Record<string, Rate>
    bySource: Record<string, Rate>
    overall: { attacks?: Rate; attacksNotDocuments?: Rate; benign?: Rate }
  }
  latencyMs: { p50: number; p99: number }
  config: Record<string, unknown>
}

const BLOCKED_FROM = 0.7
const ROWS_BETWEEN_BREATHS = 100

/** Flagged is what is suspicious or worse at the shipped thresholds, by the shipped weights and no model. */
export async function evalGuard(
  { data }: { data: string },
  onProgress: (done: number, total: number) => void = () => {},
): Promise<GuardReport> {
  const rows = readRows(data, Row)
  if (rows.length === 0) throw new Error(`${data} holds no rows`)
  const judged: Judged[] = []
  judge(rows[0]!)
  for (const [at, row] of rows.entries()) {
    judged.push(judge(row))
    if (at % ROWS_BETWEEN_BREATHS === 0) {
      onProgress(at, rows.length)
      await letOthersRun()
    }
  }
  onProgress(rows.length, rows.length)
  const latencies = judged.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b)
  const at = (share: number) => Math.round((latencies[Math.floor(share * (latencies.length - 1))] ?? 0) * 1000) / 1000
  const { header } = shippedWeights()
  return {
    suite: 'guard',
    n: rows.length,
    metrics: {
      byKind: rates(judged, ({ kind }) => kind),
      bySource: rates(judged, ({ kind, src }) => (src === undefined ? undefined : `${src}/${kind}`)),
      overall: {
        ...named(
          'attacks',
          judged.filter(({ label }) => label === 1),
        ),
        ...named(
          'attacksNotDocuments',
          judged.filter(({ label, kind }) => label === 1 && !kind.endsWith('_doc')),
        ),
        ...named(
          'benign',
          judged.filter(({ label }) => label === 0),
        ),
      },
    },
    latencyMs: { p50: at(0.5), p99: at(0.99) },
    config: { weights: header, suspiciousFrom: SUSPICIOUS_FROM, blockedFrom: BLOCKED_FROM, model: 'none' },
  }
}

function judge(row: z.infer<typeof Row>): Judged {
  const started = performance.now()
  const { score } = row.kind.endsWith('_doc') ? screenDocument(row.text) : scoreMessage(row.text)
  const latencyMs = performance.now() - started
  return { ...row, flagged: score >= SUSPICIOUS_FROM, blocked: score >= BLOCKED_FROM, latencyMs }
}

const named = (name: string, rows: readonly Judged[]) => (rows.length === 0 ? {} : { [name]: rateOf(rows) })

/** Rows of one kind can carry both labels; then the benign ones get a name of their own. */
function rates(judged: readonly Judged[], keyOf: (row: Judged) => string | undefined): Record<string, Rate> {
  const groups = new Map<string, Judged[]>()
  for (const row of judged) {
    const key = keyOf(row)
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return Object.fromEntries(
    [...groups].flatMap(([key, rows]) => {
      const attacks = rows.filter(({ label }) => label === 1)
      if (attacks.length === 0 || attacks.length === rows.length) return [[key, rateOf(rows)]]
      return [
        [key, rateOf(attacks)],
        [`${key} (benign)`, rateOf(rows.filter(({ label }) => label === 0))],
      ]
    }),
  )
}

function rateOf(rows: readonly Judged[]): Rate {
  const flagged = rows.filter((row) => row.flagged).length
  const rest = {
    n: rows.length,
    ci95: wilson(flagged, rows.length),
    blocked: thousandths(rows.filter((row) => row.blocked).length / rows.length),
  }
  const rate = thousandths(flagged / rows.length)
  return rows[0]!.label === 1 ? { recall: rate, ...rest } : { falsePositiveRate: rate, ...rest }
}

const thousandths = (value: number) => Math.round(value * 1000) / 1000

/** The score interval of a proportion (Wilson 1927) at 95 %. */
export function wilson(hits: number, n: number): [number, number] {
  if (n === 0) return [0, 1]
  const z95 = 1.959964
  const share = hits / n
  const centre = share + z95 ** 2 / (2 * n)
  const spread = z95 * Math.sqrt((share * (1 - share)) / n + z95 ** 2 / (4 * n * n))
  const scale = 1 + z95 ** 2 / n
  return [thousandths(Math.max(0, (centre - spread) / scale)), thousandths(Math.min(1, (centre + spread) / scale))]
}
