import { type Calibration, calibrate, calibratedConfidence, readEvidence } from './intent-calibration.ts'
import { FeatureSpace, FeatureWeights, type SparseVector } from './intent-features.ts'
import { planFolds } from './intent-folds.ts'
import { addModels, type LinearModel, linearScores, softmax, trainLogistic, trainSupportVectors } from './intent-linear.ts'

export type LabelledExample = { text: string; intent: string }
export type IntentPrediction = {
  /** The best intent in scope, also where `outOfScope` says not to trust it; empty where there is none. */
  intent: string
  /** Calibrated probability, 0..1, that `intent` is right. */
  confidence: number
  /** The confidence is below the trained threshold: hand over to a model or a person. */
  outOfScope: boolean
  /** At most five, best first; their confidences never sum to more than 1. */
  ranked: { intent: string; confidence: number }[]
}
export interface IntentClassifier {
  predict(text: string): IntentPrediction
  /** Without the out-of-scope class, sorted. */
  readonly intents: readonly string[]
  readonly threshold: number
  readonly exampleCount: number
}
export type IntentTrainingOptions = {
  /** Same examples and same seed give the same classifier. */
  seed?: number
  /** Overrides the threshold that training chooses, 0..1. */
  threshold?: number
}

const rankedCount = 5
/** Fewer examples than this cannot be cross-validated; the confidence is then a plain estimate. */
const minCalibrationExamples = 20
/** Above this, a feature seen once costs memory and tells nothing (measured: no loss on banking77 and clinc150). */
const largeSetExamples = 3_000
const supportVectorCost = 2
const supportVectorShare = 4
const epochs = 8
const dropout = 0.3

/** Whether a label means "none of the intents", in the spellings of the public data sets. */
export function isOutOfScopeLabel(intent: string): boolean {
  return /^(?:oos|ood|out[ _-]?of[ _-]?scope|no_nodes_detected)$/i.test(intent.trim())
}

/**
 * Trains a linear intent classifier: one-vs-rest support vectors plus multinomial logistic regression over TF-IDF of word
 * and character n-grams, with a confidence learned by cross-validation on the examples. Rows labelled out of scope (see
 * `isOutOfScopeLabel`) are a class of their own; without any, whole intents are held out to learn what unknown looks like.
 */
export function trainIntentClassifier(
  examples: readonly LabelledExample[],
  options: IntentTrainingOptions = {},
): IntentClassifier {
  const random = seededRandom(options.seed ?? 1)
  const names = [...new Set(examples.map((example) => labelOf(example)))].sort()
  const outOfScope = names.indexOf('')
  const labels = Int32Array.from(examples, (example) => names.indexOf(labelOf(example)))
  const texts = examples.map((example) => example.text)
  const space = new FeatureSpace(texts, examples.length > largeSetExamples ? 2 : 1)
  const messages = texts.map((text) => space.encode(text))
  const weights = new FeatureWeights(messages, space.size)
  const rows = messages.map((message) => weights.vectorise(message))
  const model = trainBoth(rows, labels, names.length, space.size, random)
  const calibration = examples.length < minCalibrationExamples || names.length < 2 ? undefined : crossValidate()

  /** Out-of-fold predictions, with document frequencies learned anew in every fold. */
  function crossValidate(): Calibration {
    const heldOut = planFolds(labels, names.length, outOfScope, random).flatMap((fold) => {
      const foldWeights = new FeatureWeights(
        fold.train.map((at) => messages[at]!),
        space.size,
      )
      const foldRows = fold.train.map((at) => foldWeights.vectorise(messages[at]!))
      const foldLabels = Int32Array.from(fold.train, (at) => labels[at]!)
      const foldModel = trainBoth(foldRows, foldLabels, names.length, space.size, random)
      return fold.test.map(({ at, known }) => {
        const row = foldWeights.vectorise(messages[at]!)
        const { best, signs } = readEvidence(linearScores(foldModel, row), outOfScope, row.coverage)
        return { signs, right: best === labels[at], inScope: known && labels[at] !== outOfScope, real: known }
      })
    })
    return calibrate(heldOut)
  }

  const threshold = options.threshold ?? calibration?.threshold ?? 0.5
  return {
    intents: names.filter((name) => name !== ''),
    threshold,
    exampleCount: examples.length,
    predict: (text) => {
      const row = weights.vectorise(space.encode(text))
      const scores = linearScores(model, row)
      const { best, signs } = readEvidence(scores, outOfScope, row.coverage)
      if (best < 0) return { intent: '', confidence: 0, outOfScope: true, ranked: [] }
      const probabilities = softmax(scores)
      // Without one known feature the scores are the class frequencies, which is no reason to trust any of them.
      const estimate = calibration ? calibratedConfidence(calibration, signs) : probabilities[best]! * row.coverage
      const confidence = row.ids.length === 0 ? 0 : estimate
      const ranked = rank(names, probabilities, outOfScope, best, confidence)
      return { intent: names[best]!, confidence, outOfScope: confidence < threshold || confidence === 0, ranked }
    },
  }
}

function labelOf(example: LabelledExample): string {
  return isOutOfScopeLabel(example.intent) ? '' : example.intent
}

/** The sum of both linear models; support vectors separate, logistic regression ranks. Together they beat either. */
function trainBoth(
  rows: SparseVector[],
  labels: Int32Array,
  classes: number,
  features: number,
  random: () => number,
): LinearModel {
  const set = { rows, labels, classes, features }
  const separating = trainSupportVectors(set, supportVectorCost, epochs, random)
  return addModels(separating, supportVectorShare, trainLogistic(set, dropout, epochs, random))
}

/** The best intent keeps its confidence; the others share what is left by their odds, none above the best. */
function rank(names: readonly string[], probabilities: Float64Array, outOfScope: number, best: number, confidence: number) {
  const order = [...probabilities.keys()].filter((label) => label !== outOfScope)
  order.sort((a, b) => probabilities[b]! - probabilities[a]!)
  const rest = 1 - probabilities[best]!
  const left = (label: number) => Math.min(confidence, ((1 - confidence) * probabilities[label]!) / (rest || 1))
  return order
    .slice(0, rankedCount)
    .map((label) => ({ intent: names[label]!, confidence: label === best ? confidence : left(label) }))
}

/** Mulberry32: small, fast and the same everywhere. */
function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
