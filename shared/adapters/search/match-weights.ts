/** Of the first round: set so that its best 100 hold what the second round wants. */
export const FIRST_WEIGHTS = { document: 0.65, passage: 0.5, title: 1.9, path: 1.5 } as const

export type MatchWeights = {
  /** By signal, in the order of `SIGNALS`: few signs. */
  readonly sparse: readonly number[]
  /** By signal and, last, the cosine of the dense leg. */
  readonly rerank: readonly number[]
}

/** Learned by `cli/eval/retrieval-train.ts` on msft_support_kb; docs/quality-retrieval.md has the command. */
// biome-ignore-start lint/suspicious/noApproximativeNumericConstant: learned, not Math.LOG10E
const TITLED: MatchWeights = {
  sparse: [
    0.323, -0.462, 1.387, 1.642, 2.363, 0, 0, 0, 0, 0.344, 0.539, 0, 0.289, 5.932, 0.117, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.429,
    -0.463, 0, 0, 0, 0, 0, 0, 0, 0,
  ],
  rerank: [
    0.087, -0.08, 1.583, 0.771, 2.317, -0.209, 0.246, -0.604, -0.364, 0.748, 0.428, 0.307, 0.221, 3.105, 0.312, 0.009, 0.099,
    0.101, 0.045, -0.062, -0.885, -0.036, 1.295, 0.795, -0.153, 0.393, -0.516, 0.354, 0.306, 0.741, 0.055, -0.291, 1.459, 0, 0,
    1.126,
  ],
}
// biome-ignore-end lint/suspicious/noApproximativeNumericConstant: learned, not Math.LOG10E
/** Of knowledge without titles: in the same run, on msft_support_kb without title and path and on mtrag_un. */
const PLAIN: MatchWeights = {
  sparse: [
    0.595, -0.009, 0.365, 0.098, 0.114, 0, 0, 0, 0, -0.116, 1.128, 0, 0.303, 8.474, -1.132, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.545,
    -0.683, 0, 0, 0, 0, 0, 0, 0, 0,
  ],
  rerank: [
    0.106, -0.084, 0.551, -0.031, -0.018, -0.059, 0.611, -0.165, 0.195, -0.122, 0, -0.09, 0.129, 1.256, -0.155, 0.406, 0.128,
    0.314, -0.075, 0.041, -0.058, 0.026, 2.292, 0.888, -0.318, 0.425, -0.762, 0.33, 0.572, 2.261, 0.229, 0.367, 1.901, 0.001, 0,
    1.889,
  ],
}

/** Of all knowledge, samples of 60 to 800 articles included: constant, then by column of `answerabilityRow`. */
export const ANSWERABLE: readonly number[] = [
  -6.248, 0.263, 1.1, 2.209, 0.911, 1.262, -0.439, 0.38, 0.257, -0.217, -0.391, 0.204, -1.515, 0.57, 0.454,
]

/** Below this share of documents with a title, titles are no help by which one may tell documents apart. */
const MANY_TITLED = 0.75
export const isTitled = (signals: readonly number[]): boolean => signals.at(-1)! >= MANY_TITLED

/** A knowledge whose documents mostly have titles is searched by other weights than one of bare texts: its titles say most. */
export const weightsFor = (signals: readonly number[]): MatchWeights => (isTitled(signals) ? TITLED : PLAIN)
