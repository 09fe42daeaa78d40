import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FEATURES, pairFeatures } from '#workers/logic/cache-features.ts'
import { readGuarded } from '#workers/logic/cache-guards.ts'
import { dot, fitLogistic } from '#workers/logic/logistic-regression.ts'
import { type CachePair, differsInPair, readPairs } from './cache-pairs.ts'

/** Learns the weights of the semantic cache's similarity: `node cli/eval/train-cache-similarity.ts PAIRS.jsonl`. */

/** Chosen by cross-validation: of .03, .3, 1, 3 and 10 the strongest lost least on questions it had not seen. */
const RIDGE = 10
/** Of the non-duplicates of each source, in cross-validation, at the thresholds that ship for reference. */
const MAX_FALSE_HITS = 0.015
const FOLDS = 5
/** Ways of dealing the pairs to folds: with so few non-duplicates, one way alone is luck. */
const DEALS = [7, 11, 13, 17, 19]

const rowOf = ({ a, b }: CachePair) => [1, ...pairFeatures(readGuarded(a), readGuarded(b))]
const learn = (pairs: readonly CachePair[]) =>
  fitLogistic(
    pairs.map(rowOf),
    pairs.map(({ dup }) => dup),
    RIDGE,
  ).weights

/** Every pair is scored by weights that were fitted without its first question. */
function crossValidated(pairs: readonly CachePair[], deal: number): number[] {
  const scores: number[] = Array(pairs.length).fill(Number.NEGATIVE_INFINITY)
  const foldOf = ({ a }: CachePair) =>
    [...a].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 1_000_003, deal) % FOLDS
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
const dealt = DEALS.map((deal) => crossValidated(pairs, deal))
const isQuestion = ({ a, b }: CachePair) => readGuarded(a).isQuestion && readGuarded(b).isQuestion
const probability = (score: number) => 1 / (1 + Math.exp(-score))
const median = (values: readonly number[]) => values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)]!
/** Of each way of dealing, for questions and for statements. */
const thresholds = [true, false].map((question) =>
  dealt.map((scores) => {
    const chosen = pairs.map((pair, at) => [pair, scores[at]!] as const).filter(([pair]) => isQuestion(pair) === question)
    return probability(
      thresholdFor(
        chosen.map(([pair]) => pair),
        chosen.map(([, value]) => value),
      ),
    )
  }),
)
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
export const REFERENCE_THRESHOLDS = { questions: ${median(thresholds[0]!).toFixed(4)}, statements: ${median(thresholds[1]!).toFixed(4)} }
`,
)
/** @returns median, least and most over the ways of dealing, as words */
function spread(shares: readonly number[]): string {
  const [middle, least, most] = [median(shares), Math.min(...shares), Math.max(...shares)].map((x) => (100 * x).toFixed(1))
  return `${middle} % (${least} to ${most})`
}
for (const src of new Set(pairs.map((pair) => pair.src))) {
  const own = pairs.flatMap((pair, at) => (pair.src === src ? [{ ...pair, at, question: isQuestion(pair) ? 0 : 1 }] : []))
  const share = (dup: 0 | 1, isHit: (pair: (typeof own)[number], deal: number) => boolean) =>
    spread(
      dealt.map((_scores, deal) => {
        const those = own.filter((pair) => pair.dup === dup)
        return those.filter((pair) => isHit(pair, deal)).length / those.length
      }),
    )
  const shipped = ({ at, question }: (typeof own)[number], deal: number) =>
    probability(dealt[deal]![at]!) >= thresholds[question]![deal]!
  console.log(
    `${src}: cross-validated, at the shipped thresholds ${share(1, shipped)} of duplicates, ${share(0, shipped)} of others`,
  )
  if (own.filter(({ dup }) => dup === 0).length < 100) continue
  const ownCuts = dealt.map((scores) =>
    thresholdFor(
      own,
      own.map(({ at }) => scores[at]!),
    ),
  )
  const byOwn = ({ at }: (typeof own)[number], deal: number) => dealt[deal]![at]! >= ownCuts[deal]!
  console.log(`${src}: cross-validated, at a threshold of its own ${share(1, byOwn)} of duplicates, ${share(0, byOwn)} of others`)
}
