import { readGuarded } from '#workers/logic/cache-guards.ts'
import { compareQuestions } from '#workers/logic/cache-similarity.ts'
import { REFERENCE_THRESHOLDS } from '#workers/logic/cache-weights.ts'
import { type CachePair, readPairs } from './cache-pairs.ts'

/** Of the non-duplicates of a source. */
const MAX_FALSE_HITS_IN_TRAINING = 0.015
const ALL = 'all'

type Scored = CachePair & {
  readonly score: number
  readonly nearExact: boolean
  readonly blocked: boolean
  readonly question: boolean
}
type Thresholds = (pair: Scored) => number

/**
 * Hit rates of the semantic cache, guards included, on labelled pairs. Without `train` the thresholds are those that ship for
 * reference; with it each source (`src`, as it were a tenant) gets the lowest that keeps its own false hits within bounds.
 */
export function evalCache(
  files: { readonly data: string; readonly train?: string },
  onProgress: (done: number, total: number) => void,
) {
  const pairs = readPairs(files.data)
  if (pairs.length === 0) throw new Error(`${files.data} holds no pair that is decided ("dup": 0 or 1)`)
  const times: number[] = []
  const scored = pairs.map((pair, at) => {
    const startedAt = performance.now()
    const result = score(pair)
    times.push(performance.now() - startedAt)
    if (at % 100 === 0) onProgress(at, pairs.length)
    return result
  })
  onProgress(pairs.length, pairs.length)
  const trained = files.train === undefined ? undefined : chooseThresholds(readPairs(files.train).map(score))
  const threshold: Thresholds = trained
    ? ({ src }) => trained[src] ?? trained[ALL]!
    : ({ question }) => REFERENCE_THRESHOLDS[question ? 'questions' : 'statements']
  const sources = [...new Set(scored.map(({ src }) => src))]
  const bySource = Object.fromEntries(
    sources.map((src) => [
      src,
      rates(
        scored.filter((pair) => pair.src === src),
        threshold,
      ),
    ]),
  )
  const sorted = times.toSorted((a, b) => a - b)
  const latency = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0)
  return {
    suite: 'cache',
    n: scored.length,
    metrics: { ...rates(scored, threshold), bySource, startOfATenant: rates(scored, () => Number.POSITIVE_INFINITY) },
    latencyMs: { p50: latency(0.5), p99: latency(0.99) },
    config: {
      thresholds: trained ?? REFERENCE_THRESHOLDS,
      chosenOn: files.train ?? 'shipped for reference; a new tenant starts with near-exact matches (startOfATenant)',
      guards: true,
    },
  }
}

function score(pair: CachePair): Scored {
  const [a, b] = [readGuarded(pair.a), readGuarded(pair.b)]
  const { similarity, nearExact, differsIn } = compareQuestions(a, b)
  return { ...pair, score: similarity, nearExact, blocked: differsIn !== undefined, question: a.isQuestion && b.isQuestion }
}

const hits = ({ blocked, nearExact, score: value }: Scored, threshold: number) => !blocked && (nearExact || value >= threshold)

function chooseThresholds(pairs: readonly Scored[]): Record<string, number> {
  const groups = Map.groupBy(pairs, ({ src }) => src)
  const chosen = [...groups].map(([src, own]) => [src, lowest(own)] as const)
  return { ...Object.fromEntries(chosen), [ALL]: Math.max(...chosen.map(([, value]) => value)) }
}

function lowest(pairs: readonly Scored[]): number {
  const others = pairs.filter(({ dup }) => dup === 0)
  const worst = others
    .filter(({ blocked }) => !blocked)
    .map(({ score: value }) => value)
    .sort((a, b) => b - a)
  const first = worst[Math.floor(others.length * MAX_FALSE_HITS_IN_TRAINING)]
  return round(Math.min(1, (first ?? 0.5) + 0.0005))
}

function rates(pairs: readonly Scored[], threshold: Thresholds) {
  const share = (dup: 0 | 1) => {
    const own = pairs.filter((pair) => pair.dup === dup)
    return { n: own.length, hit: own.filter((pair) => hits(pair, threshold(pair))).length }
  }
  const [same, other] = [share(1), share(0)]
  return {
    hitRate: round(same.hit / Math.max(1, same.n)),
    hitRate95: interval(same),
    falseHitRate: round(other.hit / Math.max(1, other.n)),
    falseHitRate95: interval(other),
    duplicates: same.n,
    nonDuplicates: other.n,
  }
}

/** Wilson's interval for a share, 95 %. */
function interval({ n, hit }: { n: number; hit: number }): [number, number] {
  if (n === 0) return [0, 1]
  const [z, p] = [1.96, hit / n]
  const middle = p + z ** 2 / (2 * n)
  const spread = z * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n ** 2))
  return [round((middle - spread) / (1 + z ** 2 / n)), round((middle + spread) / (1 + z ** 2 / n))]
}

const round = (value: number) => Math.round(value * 10_000) / 10_000
