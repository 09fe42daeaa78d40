import type { SparseVector } from './intent-features.ts'

/** One weight row a feature, one column a class: `weights[feature * classes + class]`. */
export type LinearModel = { readonly classes: number; readonly weights: Float32Array; readonly bias: Float32Array }

export type TrainingSet = {
  readonly rows: readonly SparseVector[]
  readonly labels: Int32Array
  readonly classes: number
  readonly features: number
}

/** The score of every class for one message. Four features a pass: the scores are read and written a quarter as often. */
export function linearScores(model: LinearModel, row: SparseVector, into = new Float64Array(model.classes)): Float64Array {
  const { classes, weights } = model
  const { ids, values } = row
  into.set(model.bias)
  let at = 0
  for (; at + 4 <= ids.length; at += 4) {
    const a = ids[at]! * classes
    const b = ids[at + 1]! * classes
    const c = ids[at + 2]! * classes
    const d = ids[at + 3]! * classes
    const va = values[at]!
    const vb = values[at + 1]!
    const vc = values[at + 2]!
    const vd = values[at + 3]!
    for (let label = 0; label < classes; label++) {
      into[label]! += weights[a + label]! * va + weights[b + label]! * vb + weights[c + label]! * vc + weights[d + label]! * vd
    }
  }
  for (; at < ids.length; at++) {
    const base = ids[at]! * classes
    const value = values[at]!
    for (let label = 0; label < classes; label++) into[label]! += weights[base + label]! * value
  }
  return into
}

/**
 * One-vs-rest squared-hinge support vector machines by dual coordinate descent (Hsieh et al. 2008, as in LIBLINEAR).
 * All classes visit a message together, so that one pass over its features serves all of them.
 */
export function trainSupportVectors(set: TrainingSet, cost: number, epochs: number, random: () => number): LinearModel {
  const { rows, labels, classes, features } = set
  const model = emptyModel(features, classes)
  const duals = new Float32Array(rows.length * classes)
  const scores = new Float64Array(classes)
  const slack = 0.5 / cost
  const changed = new Int32Array(classes)
  const change = new Float64Array(classes)
  const curvatures = Float64Array.from(rows, (row) => 1 + squaredLength(row) + slack)
  const order = Int32Array.from(rows.keys())
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, random)
    for (const at of order) {
      const row = rows[at]!
      linearScores(model, row, scores)
      const curvature = curvatures[at]!
      let count = 0
      for (let label = 0; label < classes; label++) {
        const sign = label === labels[at] ? 1 : -1
        const dual = duals[at * classes + label]!
        const gradient = sign * scores[label]! - 1 + dual * slack
        if (dual === 0 && gradient >= 0) continue
        const next = Math.max(dual - gradient / curvature, 0)
        if (Math.abs(next - dual) < 0.01) continue
        duals[at * classes + label] = next
        changed[count] = label
        change[count++] = (next - dual) * sign
      }
      addToModel(model, row, changed, change, count, 1)
    }
  }
  return model
}

/**
 * Multinomial logistic regression by stochastic gradient descent with a step that falls to zero. A share of each
 * message's features is dropped at every visit (Wager et al. 2013), which stands in for a penalty on the weights.
 */
export function trainLogistic(set: TrainingSet, dropout: number, epochs: number, random: () => number): LinearModel {
  const { rows, labels, classes, features } = set
  const model = emptyModel(features, classes)
  const scores = new Float64Array(classes)
  const changed = new Int32Array(classes)
  const change = new Float64Array(classes)
  const longest = rows.reduce((most, row) => Math.max(most, row.ids.length), 0)
  const kept = { ids: new Int32Array(longest), values: new Float32Array(longest) }
  const order = Int32Array.from(rows.keys())
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, random)
    const step = 4 * (1 - epoch / epochs)
    for (const at of order) {
      const row = dropFeatures(rows[at]!, dropout, random, kept)
      softmax(linearScores(model, row, scores))
      let count = 0
      for (let label = 0; label < classes; label++) {
        const error = scores[label]! - (label === labels[at] ? 1 : 0)
        // Most classes are certain to be wrong; leaving their tiny errors out costs nothing and halves the time.
        if (Math.abs(error) < 0.002) continue
        changed[count] = label
        change[count++] = -step * error
      }
      addToModel(model, row, changed, change, count, 0.1)
    }
  }
  return model
}

/** `first * scale + second`, in place of `first`: the sum of two linear models is one linear model. */
export function addModels(first: LinearModel, scale: number, second: LinearModel): LinearModel {
  for (let at = 0; at < first.weights.length; at++) first.weights[at] = first.weights[at]! * scale + second.weights[at]!
  for (let at = 0; at < first.bias.length; at++) first.bias[at] = first.bias[at]! * scale + second.bias[at]!
  return first
}

/** Scores -> probabilities, in place. */
export function softmax(scores: Float64Array, temperature = 1): Float64Array {
  let highest = Number.NEGATIVE_INFINITY
  for (const score of scores) if (score > highest) highest = score
  let total = 0
  for (let at = 0; at < scores.length; at++) {
    scores[at] = Math.exp((scores[at]! - highest) / temperature)
    total += scores[at]!
  }
  for (let at = 0; at < scores.length; at++) scores[at]! /= total
  return scores
}

/** Fisher–Yates, in place. */
export function shuffle(order: Int32Array, random: () => number): void {
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const held = order[at]!
    order[at] = order[other]!
    order[other] = held
  }
}

function emptyModel(features: number, classes: number): LinearModel {
  return { classes, weights: new Float32Array(features * classes), bias: new Float32Array(classes) }
}

function addToModel(
  model: LinearModel,
  row: SparseVector,
  changed: Int32Array,
  change: Float64Array,
  count: number,
  biasStep: number,
) {
  if (count === 0) return
  for (let at = 0; at < row.ids.length; at++) {
    const base = row.ids[at]! * model.classes
    const value = row.values[at]!
    for (let nth = 0; nth < count; nth++) model.weights[base + changed[nth]!]! += value * change[nth]!
  }
  for (let nth = 0; nth < count; nth++) model.bias[changed[nth]!]! += biasStep * change[nth]!
}

function squaredLength(row: SparseVector): number {
  let sum = 0
  for (const value of row.values) sum += value * value
  return sum
}

/** Fills `kept` anew at every call: a row lives until the next one. */
function dropFeatures(
  row: SparseVector,
  share: number,
  random: () => number,
  kept: { ids: Int32Array; values: Float32Array },
): SparseVector {
  const scale = 1 / (1 - share)
  let count = 0
  for (let at = 0; at < row.ids.length; at++) {
    if (random() < share) continue
    kept.ids[count] = row.ids[at]!
    kept.values[count++] = row.values[at]! * scale
  }
  return { ids: kept.ids.subarray(0, count), values: kept.values.subarray(0, count), coverage: row.coverage }
}
