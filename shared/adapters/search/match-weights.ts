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
    0.315, -0.286, 1.1, 1.744, 2.529, 0, 0, 0, 0, 0.363, 0.512, 0, 0.262, 5.103, 0.054, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.384,
    -0.412, 0, 0, 0, 0, 0, 0, 0, 0,
  ],
  rerank: [
    0.09, -0.045, 1.402, 0.702, 2.416, -0.244, 0.31, -0.642, -0.434, 0.783, 0.385, 0.428, 0.216, 2.653, 0.304, 0.145, 0.124,
    0.076, -0.006, -0.022, -0.915, -0.035, 1.593, 0.248, -0.098, 0.376, -0.422, 0.429, 0.348, 0.11, 0.128, -0.196, 1.285, 0, 0,
    1.607,
  ],
}
// biome-ignore-end lint/suspicious/noApproximativeNumericConstant: learned, not Math.LOG10E
/** Of knowledge without titles: in the same run, on msft_support_kb without title and path and on mtrag_un. */
const PLAIN: MatchWeights = {
  sparse: [
    0.59, 0.038, 0.661, 0.164, 0.167, 0, 0, 0, 0, -0.18, 1.137, 0, 0.301, 7.016, -1.02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.575,
    -0.673, 0, 0, 0, 0, 0, 0, 0, 0,
  ],
  rerank: [
    0.087, -0.049, 0.638, 0.003, 0.018, -0.124, 0.475, -0.226, 0.153, -0.346, 0.018, 0.145, 0.121, 1.128, -0.09, 0.152, 0.102,
    0.517, -0.107, 0.009, 0.141, 0.102, 2.019, 0.446, -0.289, 0.467, -0.756, 0.394, 0.515, 1.777, 0.18, 0.556, 1.915, 0.001, 0,
    1.998,
  ],
}

/** Of all knowledge, samples of 60 to 800 articles included: constant, then by column of `answerabilityRow`. */
export const ANSWERABLE: readonly number[] = [
  -6.041, 0.269, 0.957, 2.257, 0.899, 1.32, -0.405, 0.288, 0.351, -0.382, -0.536, 0.307, -1.523, 0.496, 0.477,
]

/** Below this share of documents with a title, titles are no help by which one may tell documents apart. */
const MANY_TITLED = 0.75
export const isTitled = (signals: readonly number[]): boolean => signals.at(-1)! >= MANY_TITLED

/** A knowledge whose documents mostly have titles is searched by other weights than one of bare texts: its titles say most. */
export const weightsFor = (signals: readonly number[]): MatchWeights => (isTitled(signals) ? TITLED : PLAIN)
