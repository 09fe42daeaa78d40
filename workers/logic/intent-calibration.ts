/** From class scores to one honest number: how likely it is that the best intent is right, and where to stop trusting it. */

/** What the scores of one message say about its best intent; `best` is -1 where there is no intent at all. */
export type Evidence = { readonly best: number; readonly signs: Float64Array }

/** One out-of-fold prediction. `real` rows come from the examples' own mix; the others stand in for the unknown. */
export type HeldOut = { readonly signs: Float64Array; readonly right: boolean; readonly inScope: boolean; readonly real: boolean }

export type Calibration = {
  readonly mean: Float64Array
  readonly scale: Float64Array
  readonly weights: Float64Array
  readonly slope: number
  readonly intercept: number
  /** On the confidence that `calibratedConfidence` returns. */
  readonly threshold: number
}

export const signCount = 5
const strangerShare = 1.5
const strangersInTraffic = 1 / 3
const leastRecall = 0.78
const mostRecall = 0.86
const evenOdds = 0.5
/** Examples that are easily told apart would put the threshold anywhere below; a prediction this doubtful is never trusted. */
const leastTrusted = 0.4

/** `coverage` is the share of the message that training knows; `outOfScope` is that class's column, or -1 without one. */
export function readEvidence(scores: Float64Array, outOfScope: number, coverage: number): Evidence {
  let best = -1
  let second = -1
  for (let label = 0; label < scores.length; label++) {
    if (label === outOfScope) continue
    if (best < 0 || scores[label]! > scores[best]!) {
      second = best
      best = label
    } else if (second < 0 || scores[label]! > scores[second]!) second = label
  }
  const signs = new Float64Array(signCount)
  if (best < 0) return { best, signs }
  const top = scores[best]!
  let others = 0
  for (let label = 0; label < scores.length; label++) if (label !== best) others += Math.exp(Math.min(scores[label]! - top, 0))
  signs[0] = top
  signs[1] = second < 0 ? 0 : top - scores[second]!
  signs[2] = outOfScope < 0 ? 0 : top - scores[outOfScope]!
  signs[3] = -Math.log(others + 1e-9)
  signs[4] = coverage
  return { best, signs }
}

/** The calibrated probability, 0..1, that the best intent is right. */
export function calibratedConfidence(calibration: Calibration, signs: Float64Array): number {
  return sigmoid(calibration.slope * logit(calibration, signs) + calibration.intercept)
}

/**
 * Learns the confidence from out-of-fold rows: a logistic regression on the signs ranks them, a second one on the real
 * rows alone (Platt 1999) turns the rank into a probability, and `rejectingThreshold` sets where to stop.
 */
export function calibrate(rows: readonly HeldOut[]): Calibration {
  const { mean, scale } = standardiser(rows)
  const standard = rows.map((row) => Float64Array.from([...row.signs.keys()], (at) => (row.signs[at]! - mean[at]!) * scale[at]!))
  const weights = logisticRegression(
    standard,
    rows.map((row) => row.right),
    1,
    strangerImportance(rows),
  )
  const ranker = { mean, scale, weights, slope: 1, intercept: 0, threshold: 0 }
  const real = rows.filter((row) => row.real)
  const platt = logisticRegression(
    real.map((row) => Float64Array.of(logit(ranker, row.signs))),
    real.map((row) => row.right),
    1e-3,
  )
  const calibration = { ...ranker, slope: Math.max(platt[0]!, 1e-3), intercept: platt[1]! }
  return { ...calibration, threshold: rejectingThreshold(rows, calibration) }
}

/** Examples out of scope are few where strangers in traffic are many: as a whole they weigh a fixed share of the rest. */
function strangerImportance(rows: readonly HeldOut[]): Float64Array {
  const inScope = rows.filter((row) => row.inScope).length
  const weight = Math.max(1, (strangerShare * inScope) / (rows.length - inScope || 1))
  return Float64Array.from(rows, (row) => (row.inScope ? 1 : weight))
}

/**
 * The confidence below which a message is turned away. Of the out-of-fold rows labelled out of scope, it lets between
 * `leastRecall` and `mostRecall` fall below; within that band it is the best for traffic of which a third is out of scope.
 * Without such labels it is where a prediction is as likely wrong as right: held-out intents teach the ranking, but they
 * are nearer to the intents than most strangers.
 */
function rejectingThreshold(rows: readonly HeldOut[], calibration: Calibration): number {
  const confidences = (wanted: (row: HeldOut) => boolean) =>
    Float64Array.from(rows.filter(wanted), (row) => calibratedConfidence(calibration, row.signs)).sort()
  const strangers = confidences((row) => row.real && !row.inScope)
  const right = confidences((row) => row.real && row.right)
  const inScope = rows.filter((row) => row.real && row.inScope).length
  if (strangers.length === 0) return evenOdds
  let best = { value: Number.NEGATIVE_INFINITY, threshold: evenOdds }
  const last = Math.min(strangers.length - 1, Math.floor(mostRecall * strangers.length))
  for (let rejected = Math.floor(leastRecall * strangers.length); rejected <= last; rejected++) {
    const threshold = strangers[rejected]!
    const kept = right.filter((confidence) => confidence >= threshold).length
    const value = (1 - strangersInTraffic) * (kept / inScope) + strangersInTraffic * (rejected / strangers.length)
    if (value > best.value) best = { value, threshold }
  }
  return Math.max(leastTrusted, best.threshold)
}

function logit(calibration: Calibration, signs: Float64Array): number {
  let sum = calibration.weights[signs.length]!
  for (let at = 0; at < signs.length; at++) {
    sum += calibration.weights[at]! * (signs[at]! - calibration.mean[at]!) * calibration.scale[at]!
  }
  return sum
}

function standardiser(rows: readonly HeldOut[]): { mean: Float64Array; scale: Float64Array } {
  const mean = new Float64Array(signCount)
  const scale = new Float64Array(signCount)
  for (const row of rows) for (let at = 0; at < signCount; at++) mean[at]! += row.signs[at]! / rows.length
  for (const row of rows) for (let at = 0; at < signCount; at++) scale[at]! += (row.signs[at]! - mean[at]!) ** 2 / rows.length
  return { mean, scale: scale.map((variance) => (variance > 1e-12 ? 1 / Math.sqrt(variance) : 0)) }
}

/** Newton's method with a ridge penalty; the last weight is the intercept, which is not penalised. */
export function logisticRegression(
  rows: readonly Float64Array[],
  targets: readonly boolean[],
  ridge: number,
  importance?: Float64Array,
): Float64Array {
  const width = (rows[0]?.length ?? 0) + 1
  const weights = new Float64Array(width)
  for (let iteration = 0; iteration < 25; iteration++) {
    const gradient = Float64Array.from(weights, (weight, at) => (at < width - 1 ? -ridge * weight : 0))
    const hessian = Array.from({ length: width }, (_, at) => {
      const line = new Float64Array(width)
      line[at] = at < width - 1 ? ridge : 1e-6
      return line
    })
    for (const [nth, row] of rows.entries()) {
      const probability = sigmoid(dot(weights, row))
      const share = importance?.[nth] ?? 1
      const error = share * ((targets[nth] ? 1 : 0) - probability)
      const spread = share * probability * (1 - probability)
      for (let i = 0; i < width; i++) {
        const xi = row[i] ?? 1
        gradient[i]! += error * xi
        for (let j = 0; j <= i; j++) hessian[i]![j]! += spread * xi * (row[j] ?? 1)
      }
    }
    const step = solveSymmetric(hessian, gradient)
    let largest = 0
    for (let at = 0; at < width; at++) {
      // A bounded step keeps Newton's method from diverging on separable rows.
      const move = Math.max(-4, Math.min(4, step[at]!))
      weights[at]! += move
      largest = Math.max(largest, Math.abs(move))
    }
    if (largest < 1e-6) break
  }
  return weights
}

function dot(weights: Float64Array, row: Float64Array): number {
  let sum = weights[row.length]!
  for (let at = 0; at < row.length; at++) sum += weights[at]! * row[at]!
  return sum
}

/** Gaussian elimination on a positive definite matrix of which the lower triangle is given. */
function solveSymmetric(lower: readonly Float64Array[], right: Float64Array): Float64Array {
  const size = right.length
  const matrix = lower.map((_, i) => Float64Array.from({ length: size }, (_, j) => (j <= i ? lower[i]![j]! : lower[j]![i]!)))
  const answer = Float64Array.from(right)
  for (let pivot = 0; pivot < size; pivot++) {
    for (let row = pivot + 1; row < size; row++) {
      const factor = matrix[row]![pivot]! / matrix[pivot]![pivot]!
      for (let column = pivot; column < size; column++) matrix[row]![column]! -= factor * matrix[pivot]![column]!
      answer[row]! -= factor * answer[pivot]!
    }
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let column = row + 1; column < size; column++) answer[row]! -= matrix[row]![column]! * answer[column]!
    answer[row]! /= matrix[row]![row]!
  }
  return answer
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value))
}
