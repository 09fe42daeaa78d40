import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dot, fitLogistic, sigmoid } from '#workers/logic/logistic-regression.ts'
import { SUPPORT_FEATURES, supportFeatures } from '#workers/logic/support-features.ts'
import { supportIndex } from '#workers/logic/support-index.ts'
import { type Judged, readJudged } from './faithfulness-data.ts'
import { atThreshold, rocArea } from './ranking-of-two.ts'

/**
 * Learns the weights of the support score: `node cli/eval/train-support.ts DATA-FOLDER`, with the folders `summedits`, `wice`,
 * `mtrag_human_eval` and `mtrag_un` of the public evaluation data. Prints three figures for each set: of the learned weights on the
 * rows that they were learned from, of five folds, none of which shares a source with its training rows, and of weights learned
 * from the other two sets alone. Writes workers/logic/support-weights.ts. The same data gives the same bytes.
 */
const RIDGE = 80
const FOLDS = 5
const SETS = [
  { name: 'summedits', data: 'summedits/dev.jsonl', docs: ['summedits/docs.jsonl'] },
  { name: 'wice', data: 'wice/dev.jsonl', docs: [] },
  { name: 'mtrag_human_eval', data: 'mtrag_human_eval/dev.jsonl', docs: ['mtrag_un/docs.jsonl'] },
]
/** Rows of a small set count more, or the large one would decide alone. */
const REPEATS: Readonly<Record<string, number>> = { summedits: 3, wice: 5, mtrag_human_eval: 15 }

type Example = { readonly set: string; readonly fold: number; readonly faithful: boolean; readonly features: readonly number[] }

const folder = process.argv[2] ?? ''
const examples: Example[] = SETS.flatMap(({ name, data, docs }) =>
  readJudged(
    join(folder, data),
    docs.map((file) => join(folder, file)),
  ).map((row) => ({
    set: name,
    fold: foldOf(row),
    faithful: row.faithful,
    features: supportFeatures(row.text, supportIndex(row.passages, row.asked)),
  })),
)
const means = SUPPORT_FEATURES.map((_, k) => examples.reduce((sum, { features }) => sum + features[k]!, 0) / examples.length)
const spreads = SUPPORT_FEATURES.map(
  (_, k) => Math.sqrt(examples.reduce((sum, { features }) => sum + (features[k]! - means[k]!) ** 2, 0) / examples.length) || 1,
)

function foldOf({ group }: Judged): number {
  return [...group].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 1_000_003, 7) % FOLDS
}
const standard = (features: readonly number[]) => features.map((value, k) => (value - means[k]!) / spreads[k]!)
/** Each set has a constant of its own: how many of its rows are faithful says nothing about wording. */
const rowOf = ({ set, features }: Example) => [
  1,
  ...standard(features),
  ...SETS.slice(1).map(({ name }) => (name === set ? 1 : 0)),
]

function learn(rows: readonly Example[]): readonly number[] {
  const repeated = rows.flatMap((row) => Array<Example>(REPEATS[row.set]!).fill(row))
  return fitLogistic(
    repeated.map(rowOf),
    repeated.map(({ faithful }) => (faithful ? 1 : 0)),
    RIDGE,
  ).weights
}

/** Each row by the weights of all rows that do not share its part; without parts, by those of all rows. */
function scoresBy(partOf: (row: Example) => unknown): number[] {
  const parts = [...new Set(examples.map(partOf))]
  const weights = new Map(
    parts.map((part) => {
      const others = parts.length === 1 ? examples : examples.filter((row) => partOf(row) !== part)
      return [part, learn(others).slice(0, SUPPORT_FEATURES.length + 1)]
    }),
  )
  return examples.map((row) => dot(weights.get(partOf(row))!, [1, ...standard(row.features)]))
}

const scores = scoresBy(({ fold }) => fold)
const ways = { 'in sample': scoresBy(() => 0), [`${FOLDS} folds`]: scores, 'other sets alone': scoresBy(({ set }) => set) }
for (const { name } of SETS) {
  const own = examples.flatMap((row, at) => (row.set === name ? [at] : []))
  const labels = own.map((at) => examples[at]!.faithful)
  const figures = Object.entries(ways).map(([way, scored]) => {
    const { auc, auc95 } = rocArea(
      own.map((at) => scored[at]!),
      labels,
    )
    return `${way} ${auc.toFixed(3)} (${auc95.map((x) => x.toFixed(3)).join('–')})`
  })
  console.log(`${name}: ${own.length} rows, AUC ${figures.join(', ')}`)
}

/** On the scale of the raw features, so that nothing but this list is needed to score. */
const learned = learn(examples).slice(0, SUPPORT_FEATURES.length + 1)
const weights = learned.slice(1).map((weight, k) => weight / spreads[k]!)
const constant = learned[0]! - weights.reduce((sum, weight, k) => sum + weight * means[k]!, 0)
const folded = scores.map(sigmoid)
const thresholds = Array.from({ length: 99 }, (_, k) => (k + 1) / 100)
const accuracyOf = (cut: number) =>
  SETS.reduce((sum, { name }) => {
    const own = examples.flatMap((row, at) => (row.set === name ? [at] : []))
    return (
      sum +
      atThreshold(
        own.map((at) => folded[at]!),
        own.map((at) => examples[at]!.faithful),
        cut,
      ).balancedAccuracy
    )
  }, 0)
const threshold = thresholds.reduce((best, cut) => (accuracyOf(cut) > accuracyOf(best) ? cut : best))
const lines = [constant, ...weights].map(
  (w, k) => `  ${Number(w.toFixed(4))}, // ${k === 0 ? 'constant' : SUPPORT_FEATURES[k - 1]}`,
)
writeFileSync(
  join(import.meta.dirname, '../../workers/logic/support-weights.ts'),
  `/** Written by cli/eval/train-support.ts from ${examples.length} judged texts; do not edit by hand. */
export const SUPPORT_WEIGHTS: readonly number[] = [
${lines.join('\n')}
]

/** Best balanced accuracy over the three sets in the held-out folds. */
export const SUPPORT_THRESHOLD = ${threshold}
`,
)
