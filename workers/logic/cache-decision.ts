import { fitLogistic, sigmoid } from './logistic-regression.ts'

/** Whether the answer of the nearest question would have been right for another one, at their similarity. */
export type Observation = { readonly similarity: number; readonly correct: boolean }
/** The curve of correctness: `threshold` is where it crosses one half, `slope` how steep it is, `variance` how sure the threshold is. */
export type Calibration = { readonly threshold: number; readonly slope: number; readonly variance: number; readonly n: number }

const MIN_OBSERVATIONS = 6
/** A weak prior on the slope: it keeps the fit finite where right and wrong are parted cleanly, and hardly moves it elsewhere. */
const RIDGE = 1e-3
const GRID = 50

/**
 * Step one of vCache (Schroeder et al., "vCache: Verified Semantic Prompt Caching", arXiv 2502.03771): a logistic curve of
 * correctness over similarity, with the variance of its threshold by the delta method. Ours has a ridge where the paper's
 * authors look the variance of separable data up in a table.
 * @returns undefined while there are fewer than six observations, or all are alike: then there is nothing to decide on
 */
export function calibrate(observations: readonly Observation[]): Calibration | undefined {
  if (observations.length < MIN_OBSERVATIONS) return undefined
  if (observations.every(({ correct }) => correct) || observations.every(({ correct }) => !correct)) return undefined
  const rows = observations.map(({ similarity }) => [1, similarity])
  const { weights, covariance } = fitLogistic(
    rows,
    observations.map(({ correct }) => Number(correct)),
    RIDGE,
  )
  const [intercept, slope] = weights as [number, number]
  // Where what is more alike is more often wrong, similarity says nothing.
  if (!(slope > 0) || !Number.isFinite(intercept)) return undefined
  const [dIntercept, dSlope] = [-1 / slope, intercept / slope ** 2]
  const [[v00, v01], [v10, v11]] = covariance as [[number, number], [number, number]]
  const variance = dIntercept ** 2 * v00 + dIntercept * dSlope * (v01 + v10) + dSlope ** 2 * v11
  return { threshold: -intercept / slope, slope, variance: Math.max(0, variance), n: observations.length }
}

/**
 * Step two of vCache: with which probability the question must be answered anew, so that the share of wrong answers stays at or
 * below `maxErrorRate` at the confidence that is best for the cache. For every confidence 1 - e the threshold is put at its upper
 * bound t', and the chance of a right answer is at least (1 - e) * curve(similarity, t'); the smallest of these probabilities counts.
 * @returns 0..1; 0 means that the cached answer is good enough always
 */
export function exploreProbability(
  { threshold, slope, variance }: Calibration,
  similarity: number,
  maxErrorRate: number,
): number {
  let least = 1
  for (let i = 0; i < GRID; i++) {
    const doubt = 1e-6 + (i / (GRID - 1)) * (1 - 2e-6)
    const upper = Math.min(1, Math.max(0, threshold + normalQuantile(1 - doubt) * Math.sqrt(variance)))
    const correct = (1 - doubt) * sigmoid(slope * (similarity - upper))
    least = Math.min(least, correct >= 1 - maxErrorRate ? 0 : 1 - maxErrorRate / (1 - correct))
  }
  return Math.min(1, Math.max(0, least))
}

/** The similarity from which on the cache answers always; 1 or more where it never does. For reports. */
export function certainFrom(calibration: Calibration, maxErrorRate: number): number {
  for (let step = 0; step <= 1_000; step++)
    if (exploreProbability(calibration, step / 1_000, maxErrorRate) === 0) return step / 1_000
  return Number.POSITIVE_INFINITY
}

/** Acklam's rational approximation of the inverse normal distribution; its relative error is below 1.2e-9. */
export function normalQuantile(p: number): number {
  if (p < 0.02425) return tail(Math.sqrt(-2 * Math.log(p)))
  if (p > 1 - 0.02425) return -tail(Math.sqrt(-2 * Math.log(1 - p)))
  const q = p - 0.5
  const r = q * q
  return (polynomial(A, r) * q) / (polynomial(B, r) * r + 1)
}
const A = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239]
const B = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572]
const C = [
  -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783,
]
const D = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416]
const polynomial = (factors: readonly number[], x: number) => factors.reduce((sum, factor) => sum * x + factor, 0)
const tail = (q: number) => polynomial(C, q) / (polynomial(D, q) * q + 1)
