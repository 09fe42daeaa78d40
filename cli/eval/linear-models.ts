/** One query's candidates: what is known of each, and whether it answers. */
export type RankedList = {
  readonly rows: readonly (readonly number[])[]
  readonly relevant: readonly boolean[]
  /** How much the query counts, 1 as a rule. */
  readonly weight: number
}

/** Adam (Kingma & Ba, 2015) with all data in each step: the same data gives the same weights. */
function descend(size: number, steps: number, gradient: (weights: readonly number[]) => number[]): number[] {
  const weights = new Array<number>(size).fill(0)
  const mean = new Float64Array(size)
  const square = new Float64Array(size)
  for (let step = 1; step <= steps; step++) {
    const slope = gradient(weights)
    for (let i = 0; i < size; i++) {
      mean[i] = 0.9 * mean[i]! + 0.1 * slope[i]!
      square[i] = 0.999 * square[i]! + 0.001 * slope[i]! ** 2
      weights[i] = weights[i]! - (0.05 * (mean[i]! / (1 - 0.9 ** step))) / (Math.sqrt(square[i]! / (1 - 0.999 ** step)) + 1e-8)
    }
  }
  return weights
}

/** ListNet's top-one loss (Cao et al., ICML 2007): each query counts once; queries whose answers are not among the candidates not at all.
 * @param towards what weights decay to, else zero */
export function fitRanking(
  lists: readonly RankedList[],
  { decay = 1e-3, towards, steps = 400 }: { decay?: number; towards?: readonly number[]; steps?: number } = {},
): number[] {
  const useful = lists.filter(({ relevant }) => relevant.includes(true))
  const size = useful[0]!.rows[0]!.length
  const whole = useful.reduce((sum, { weight }) => sum + weight, 0)
  const flat = useful.map(({ rows }) => Float64Array.from(rows.flat()))
  return descend(size, steps, (weights) => {
    const slope = Float64Array.from(weights, (weight, i) => decay * (weight - (towards?.[i] ?? 0)))
    for (const [at, list] of useful.entries()) addListSlope(slope, weights, list, flat[at]!, list.weight / whole)
    return [...slope]
  })
}

/** @param rows one after the other: this is where all the time goes */
function addListSlope(
  slope: Float64Array,
  weights: readonly number[],
  { relevant }: RankedList,
  rows: Float64Array,
  share: number,
): void {
  const size = weights.length
  const scores = relevant.map((_, at) => {
    let score = 0
    for (let i = 0; i < size; i++) score += weights[i]! * rows[at * size + i]!
    return score
  })
  const top = Math.max(...scores)
  const powers = scores.map((score) => Math.exp(score - top))
  const total = powers.reduce((sum, power) => sum + power, 0)
  const wanted = 1 / relevant.filter(Boolean).length
  for (let at = 0; at < powers.length; at++) {
    const error = (powers[at]! / total - (relevant[at] ? wanted : 0)) * share
    if (Math.abs(error) > 1e-9) for (let i = 0; i < size; i++) slope[i] = slope[i]! + error * rows[at * size + i]!
  }
}

/** Logistic regression, both classes weighing the same. @returns the constant, then a weight per column */
export function fitLogistic(
  rows: readonly (readonly number[])[],
  yes: readonly boolean[],
  decay = 1e-3,
  steps = 1_500,
): number[] {
  const positives = yes.filter(Boolean).length
  const weightOf = (label: boolean) => 0.5 / (label ? positives : yes.length - positives)
  const withOne = rows.map((row) => Float64Array.from([1, ...row]))
  return descend(withOne[0]!.length, steps, (weights) => {
    const slope = Float64Array.from(weights, (weight, i) => (i === 0 ? 0 : decay * weight))
    for (let at = 0; at < withOne.length; at++) {
      const row = withOne[at]!
      let sum = 0
      for (let i = 0; i < row.length; i++) sum += weights[i]! * row[i]!
      const error = (1 / (1 + Math.exp(-sum)) - (yes[at] ? 1 : 0)) * weightOf(yes[at]!)
      for (let i = 0; i < row.length; i++) slope[i] = slope[i]! + error * row[i]!
    }
    return [...slope]
  })
}
