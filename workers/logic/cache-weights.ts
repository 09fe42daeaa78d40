/** Written by cli/eval/train-cache-similarity.ts from 1773 labelled pairs; do not edit by hand. */
export const SIMILARITY_WEIGHTS: readonly number[] = [
  -3.4648, // constant
  1.0112, // termCosine
  0.9968, // termJaccard
  -0.0002, // wordJaccard
  0.781, // gramCosine
  -0.202, // pairDice
  0.4716, // termOrder
  -0.0338, // lengthRatio
  1.1377, // containsMore
  0.9012, // containsLess
  1.3081, // fuzzyMore
  1.0342, // fuzzyLess
  -0.4032, // unmatchedMost
  -0.6708, // unmatchedLeast
  -0.3514, // strayRarity
  -0.6615, // sameStart
  0.107, // sameEnd
  0.8722, // bothQuestions
  -0.4356, // shortness
  -0.0647, // sameHead
  0.098, // headsKnown
  0.7542, // questionCosine
  -0.0302, // questionPairs
]

/** Chosen by cross-validation on the same pairs; for reference and for tenants that ask for it, not what a new tenant starts with. */
export const REFERENCE_THRESHOLDS = { questions: 0.5479, statements: 0.6901 }
