import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FEATURES, pairFeatures } from '#workers/logic/cache-features.ts'
import { readGuarded } from '#workers/logic/cache-guards.ts'
import { dot, fitLogistic } from '#workers/logic/logistic-regression.ts'
import { type CachePair, differsInPair, readPairs } from './cache-pairs.ts'

/** Learns the weights of the semantic cache's similarity: `node cli/eval/train-cache-similarity.ts PAIRS.jsonl`. */

const RIDGE = 1
/** Of the non-duplicates of each source, in cross-validation, at the thresholds that ship for reference. */
const MAX_FALSE_HITS = 0.015
const FOLDS = 5

const rowOf = ({ a, b }: CachePair) => [1, ...pairFeatures(readGuarded(a), readGuarded(b))]
const learn = (pairs: readonly CachePair[]) =>
  fitLogistic(
    pairs.map(rowOf),
    pairs.map(({ dup }) => dup),
    RIDGE,
  ).weights

/** Every pair is scored by weights that were fitted without its first question. */
function crossValidated(pairs: readonly CachePair[]): number[] {
  const scores: number[] = Array(pairs.length).fill(Number.NEGATIVE_INFINITY)
  const foldOf = ({ a }: CachePair) => [...a].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 1_000_003, 7) % FOLDS
  for (let fold = 0; fold < FOLDS; fold++) {
    const weights = learn(pairs.filter((pair) => foldOf(pair) !== fold))
    pairs.forEach((pair, at) => {
      if (foldOf(pair) === fold && differsInPair(pair) === undefined) scores[at] = dot(weights, rowOf(pair))
    })
  }
  return scores
}

/** The lowest score above which no source with enough pairs has more false hits than it may. */
function thresholdFor(pairs: readonly CachePair[], scores: readonly number[]): number {
  const sources = [...new Set(pairs.map(({ src }) => src))].map((src) =>
    pairs.flatMap((pair, at) => (pair.src === src && pair.dup === 0 ? [scores[at]!] : [])).toSorted((x, y) => y - x),
  )
  return Math.max(...sources.filter(({ length }) => length >= 100).map((s) => s[Math.floor(s.length * MAX_FALSE_HITS)]! + 1e-6))
}

const pairs = readPairs(process.argv[2] ?? '')
const scores = crossValidated(pairs)
const isQuestion = ({ a, b }: CachePair) => readGuarded(a).isQuestion && readGuarded(b).isQuestion
const thresholds = [true, false].map((question) => {
  const chosen = pairs.map((pair, at) => [pair, scores[at]!] as const).filter(([pair]) => isQuestion(pair) === question)
  const score = thresholdFor(
    chosen.map(([pair]) => pair),
    chosen.map(([, value]) => value),
  )
  return 1 / (1 + Math.exp(-score))
})
const weights = learn(pairs).map((weight) => Number(weight.toFixed(4)))
const file = join(import.meta.dirname, '../../workers/logic/cache-weights.ts')
const lines = weights.map((weight, at) => `  ${weight}, // ${at === 0 ? 'constant' : FEATURES[at - 1]}`)
writeFileSync(
  file,
  `/** Written by cli/eval/train-cache-similarity.ts from ${pairs.length} labelled pairs; do not edit by hand. */
export const SIMILARITY_WEIGHTS: readonly number[] = [
${lines.join('\n')}
]

/** Chosen by cross-validation on the same pairs; for reference and for tenants that ask for it, not what a new tenant starts with. */
export const REFERENCE_THRESHOLDS = { questions: ${thresholds[0]!.toFixed(4)}, statements: ${thresholds[1]!.toFixed(4)} }
`,
)
for (const src of new Set(pairs.map((pair) => pair.src))) {
  const hit = (dup: 0 | 1) => {
    const own = pairs.map((pair, at) => [pair, scores[at]!] as const).filter(([pair]) => pair.src === src && pair.dup === dup)
    const cut = (pair: CachePair) => thresholds[isQuestion(pair) ? 0 : 1]!
    return `${own.filter(([pair, score]) => 1 / (1 + Math.exp(-score)) >= cut(pair)).length} of ${own.length}`
  }
  console.log(`${src}: cross-validated hits ${hit(1)} duplicates, ${hit(0)} others`)
}
