/** Written by cli/eval/train-cache-similarity.ts from 1773 labelled pairs; do not edit by hand. */
export const SIMILARITY_WEIGHTS: readonly number[] = [
  -3.6908, // constant
  1.2148, // termCosine
  1.657, // termJaccard
  -0.7715, // wordJaccard
  1.0423, // gramCosine
  -0.6128, // pairDice
  -0.4127, // termOrder
  -0.0983, // lengthRatio
  1.3174, // containsMore
  1.08, // containsLess
  2.7367, // fuzzyMore
  2.1323, // fuzzyLess
  -0.2465, // unmatchedMost
  -0.6888, // unmatchedLeast
  -1.2168, // strayRarity
  -0.8599, // sameStart
  -0.0099, // sameEnd
  1.499, // bothQuestions
  -2.0954, // shortness
  0.3264, // sameHead
  -0.2304, // headsKnown
  0.7273, // questionCosine
  -0.6278, // questionPairs
]

/** Chosen by cross-validation on the same pairs; for reference and for tenants that ask for it, not what a new tenant starts with. */
export const REFERENCE_THRESHOLDS = { questions: 0.6342, statements: 0.7236 }
