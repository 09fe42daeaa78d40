/** One row of an intent measurement; `''` as a label means out of scope. */
export type JudgedRow = {
  readonly gold: string
  /** The label given: an intent, or `''` where the classifier turned the message away. */
  readonly given: string
  /** The best intent, whether or not the classifier trusted it. */
  readonly best: string
  readonly confidence: number
}

export type IntentMetrics = {
  accuracy: number
  /** 95 % Wilson interval of `accuracy`. */
  accuracy95: [number, number]
  /** Rows in scope that got their intent: a message turned away counts as wrong. Null without such rows. */
  inScopeAccuracy: number | null
  /** Rows in scope whose best intent is right, turned away or not. */
  bestIntentAccuracy: number | null
  oosRecall: number | null
  oosPrecision: number | null
  macroF1: number
  mcc: number
  /** Share of all rows below the threshold. */
  handedOver: number
  /** Of the most confident share of all rows (the key, in per cent), how many have the right best intent. */
  precisionAtCoverage: Record<string, number>
}

const coverages = [50, 70, 80, 90, 100]

/** @throws RangeError without rows */
export function intentMetrics(rows: readonly JudgedRow[], handedOver: number): IntentMetrics {
  if (rows.length === 0) throw new RangeError('There is no row to measure')
  const inScope = rows.filter((row) => row.gold !== '')
  const outOfScope = rows.filter((row) => row.gold === '')
  const right = rows.filter((row) => row.gold === row.given).length
  const turnedAway = rows.filter((row) => row.given === '')
  return {
    accuracy: right / rows.length,
    accuracy95: wilson95(right, rows.length),
    inScopeAccuracy: share(inScope, (row) => row.gold === row.given),
    bestIntentAccuracy: share(inScope, (row) => row.gold === row.best),
    oosRecall: share(outOfScope, (row) => row.given === ''),
    oosPrecision: outOfScope.length === 0 ? null : share(turnedAway, (row) => row.gold === ''),
    macroF1: macroF1(rows),
    mcc: matthews(rows),
    handedOver: handedOver / rows.length,
    precisionAtCoverage: precisionAtCoverage(rows),
  }
}

/** Wilson's score interval (1927) for a share of `count` trials, at 95 %. */
export function wilson95(right: number, count: number): [number, number] {
  const z = 1.959964
  const rate = right / count
  const centre = rate + (z * z) / (2 * count)
  const reach = z * Math.sqrt((rate * (1 - rate)) / count + (z * z) / (4 * count * count))
  const scale = 1 + (z * z) / count
  return [(centre - reach) / scale, (centre + reach) / scale]
}

/** Unweighted mean of F1 over every label that was right or given somewhere. */
export function macroF1(rows: readonly Pick<JudgedRow, 'gold' | 'given'>[]): number {
  const { golds, givens, hits } = tally(rows)
  const labels = new Set([...golds.keys(), ...givens.keys()])
  let sum = 0
  for (const label of labels) sum += (2 * (hits.get(label) ?? 0)) / ((golds.get(label) ?? 0) + (givens.get(label) ?? 0))
  return sum / labels.size
}

/** Matthews' correlation for many classes (Gorodkin 2004), out of scope being one of them; 0 where it is undefined. */
export function matthews(rows: readonly Pick<JudgedRow, 'gold' | 'given'>[]): number {
  const { golds, givens, hits } = tally(rows)
  const right = [...hits.values()].reduce((sum, count) => sum + count, 0)
  let chance = 0
  for (const [label, count] of golds) chance += count * (givens.get(label) ?? 0)
  const squares = (counts: Map<string, number>) => [...counts.values()].reduce((sum, count) => sum + count * count, 0)
  const all = rows.length ** 2
  const spread = Math.sqrt((all - squares(golds)) * (all - squares(givens)))
  return spread === 0 ? 0 : (right * rows.length - chance) / spread
}

function precisionAtCoverage(rows: readonly JudgedRow[]): Record<string, number> {
  const ranked = rows.toSorted((a, b) => b.confidence - a.confidence)
  return Object.fromEntries(
    coverages.map((percent) => {
      const top = ranked.slice(0, Math.max(1, Math.round((rows.length * percent) / 100)))
      return [String(percent), top.filter((row) => row.gold === row.best).length / top.length]
    }),
  )
}

function tally(rows: readonly Pick<JudgedRow, 'gold' | 'given'>[]) {
  const golds = new Map<string, number>()
  const givens = new Map<string, number>()
  const hits = new Map<string, number>()
  const count = (counts: Map<string, number>, label: string) => counts.set(label, (counts.get(label) ?? 0) + 1)
  for (const { gold, given } of rows) {
    count(golds, gold)
    count(givens, given)
    if (gold === given) count(hits, gold)
  }
  return { golds, givens, hits }
}

function share<T>(rows: readonly T[], holds: (row: T) => boolean): number | null {
  return rows.length === 0 ? null : rows.filter(holds).length / rows.length
}
