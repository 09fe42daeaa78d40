import type { CacheReading } from './cache-reading.ts'

export const FEATURES = [
  'termCosine',
  'termJaccard',
  'wordJaccard',
  'gramCosine',
  'pairDice',
  'termOrder',
  'lengthRatio',
  'containsMore',
  'containsLess',
  'fuzzyMore',
  'fuzzyLess',
  'unmatchedMost',
  'unmatchedLeast',
  'strayRarity',
  'sameStart',
  'sameEnd',
  'bothQuestions',
  'shortness',
  'sameHead',
  'headsKnown',
  'questionCosine',
  'questionPairs',
] as const

/** What two readings have in common, each 0..1, in the order of `FEATURES`; the same whichever comes first. */
export function pairFeatures(a: CacheReading, b: CacheReading): number[] {
  const shared = overlap(a.termWeights, b.termWeights)
  const [weightA, weightB] = [sum(a.termWeights), sum(b.termWeights)]
  const union = weightA + weightB - shared
  const containedA = ratio(shared, weightA)
  const containedB = ratio(shared, weightB)
  const [fuzzyA, strayA] = fuzzyCover(a, b)
  const [fuzzyB, strayB] = fuzzyCover(b, a)
  const unmatched = [weightA - shared, weightB - shared].map((weight) => Math.min(weight, 5) / 5)
  const cosine = Math.sqrt(containedA * containedB)
  const question = Number(a.isQuestion && b.isQuestion)
  const pairs = dice(a.pairs, b.pairs)
  const [headA = '', headB = ''] = [a.terms[0], b.terms[0]]
  return [
    cosine,
    ratio(shared, union),
    jaccard(new Set(a.words), new Set(b.words)),
    gramCosine(a, b),
    pairs,
    ratio(2 * longestCommon(a.terms, b.terms), a.terms.length + b.terms.length),
    ratio(Math.min(a.terms.length, b.terms.length), Math.max(a.terms.length, b.terms.length)),
    Math.max(containedA, containedB),
    Math.min(containedA, containedB),
    Math.max(fuzzyA, fuzzyB),
    Math.min(fuzzyA, fuzzyB),
    Math.max(...unmatched),
    Math.min(...unmatched),
    Math.min(1, Math.max(strayA, strayB) / 1.4),
    Number(a.words.length > 0 && a.words[0] === b.words[0]),
    Number(a.terms.length > 0 && a.terms.at(-1) === b.terms.at(-1)),
    question,
    1 / Math.max(1, Math.min(a.terms.length, b.terms.length)),
    Number(headA !== '' && headA === headB),
    (Number(b.termWeights.has(headA)) + Number(a.termWeights.has(headB))) / 2,
    question * cosine,
    question * pairs,
  ]
}

const ratio = (part: number, whole: number) => (whole > 0 ? part / whole : 0)

function sum(weights: ReadonlyMap<string, number>): number {
  let total = 0
  for (const weight of weights.values()) total += weight
  return total
}

function overlap(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let total = 0
  for (const [term, weight] of a) if (b.has(term)) total += weight
  return total
}

function common(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let count = 0
  for (const item of a) if (b.has(item)) count++
  return count
}
const jaccard = (a: ReadonlySet<string>, b: ReadonlySet<string>) => ratio(common(a, b), a.size + b.size - common(a, b))
const dice = (a: ReadonlySet<string>, b: ReadonlySet<string>) => ratio(2 * common(a, b), a.size + b.size)

function gramCosine(a: CacheReading, b: CacheReading): number {
  const [small, large] = a.grams.size <= b.grams.size ? [a, b] : [b, a]
  let product = 0
  for (const [gram, count] of small.grams) product += count * (large.grams.get(gram) ?? 0)
  return ratio(product, a.gramNorm * b.gramNorm)
}

/** Length of the longest common subsequence; both sides are at most 200 words. */
export function longestCommon(a: readonly string[], b: readonly string[]): number {
  const row = new Uint16Array(b.length + 1)
  for (const item of a) {
    let diagonal = 0
    for (let j = 1; j <= b.length; j++) {
      const above = row[j]!
      row[j] = item === b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1]!)
      diagonal = above
    }
  }
  return row[b.length]!
}

/** How much of `a`'s meaning stands in `b`, words that are nearly alike included; and the weight of the rarest word that does not. */
function fuzzyCover(a: CacheReading, b: CacheReading): [number, number] {
  let covered = 0
  let total = 0
  let stray = 0
  const others = [...b.termWeights.keys()]
  for (const [term, weight] of a.termWeights) {
    const best = b.termWeights.has(term) ? 1 : Math.max(0, ...others.map((other) => likeness(term, other)))
    covered += weight * best
    total += weight
    if (best < 0.5) stray = Math.max(stray, weight)
  }
  return [ratio(covered, total), stray]
}

/** Shared beginning, for words of one family: `destination` and `destine`. */
function likeness(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let same = 0
  while (same < shorter && a[same] === b[same]) same++
  return same >= 4 || same === shorter ? (same >= 3 ? same / Math.max(a.length, b.length) : 0) : 0
}
