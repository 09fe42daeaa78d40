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
    0.396, -0.653, 1.469, 1.605, 2.3, 0, 0, 0, 0, 0.329, 0.532, 0, 0.315, 6.082, 0.15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.471,
    -0.486, 0, 0, 0, 0, 0, 0, 0, 0,
  ],
  rerank: [
    0.092, -0.168, 1.584, 0.775, 2.265, -0.176, 0.25, -0.605, -0.354, 0.773, 0.424, 0.32, 0.246, 3.233, 0.319, 0.003, 0.088,
    0.109, 0.07, -0.083, -0.939, -0.03, 0.865, 0.931, -0.147, 0.419, -0.564, 0.363, 0.298, 0.794, 0.087, -0.219, 1.566, 0, 0,
    0.852,
  ],
}
// biome-ignore-end lint/suspicious/noApproximativeNumericConstant: learned, not Math.LOG10E
/** Of knowledge without titles: in the same run, on msft_support_kb without title and path and on mtrag_un. */
const PLAIN: MatchWeights = {
  sparse: [
    0.574, -0.021, 0.392, 0.102, 0.119, 0, 0, 0, 0, -0.139, 1.149, 0, 0.306, 8.419, -1.077, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.547,
    -0.67, 0, 0, 0, 0, 0, 0, 0, 0,
  ],
  rerank: [
    0.11, -0.067, 0.541, -0.025, -0.012, -0.05, 0.597, -0.193, 0.147, -0.137, 0.025, 0.041, 0.134, 1.386, -0.124, 0.538, 0.114,
    0.331, -0.084, 0.042, -0.063, 0.065, 1.9, 0.875, -0.345, 0.435, -0.752, 0.329, 0.581, 2.268, 0.24, 0.4, 1.896, 0.001, 0,
    1.826,
  ],
}

/** Of all knowledge, samples of 60 to 800 articles included: constant, then by column of `answerabilityRow`. */
export const ANSWERABLE: readonly number[] = [
  -6.239, 0.268, 1.081, 2.287, 0.891, 1.173, -0.339, 0.393, 0.29, -0.213, -0.399, 0.306, -1.533, 0.575, 0.426,
]

/** Below this share of documents with a title, titles are no help by which one may tell documents apart. */
const MANY_TITLED = 0.75
export const isTitled = (signals: readonly number[]): boolean => signals.at(-1)! >= MANY_TITLED

/** A knowledge whose documents mostly have titles is searched by other weights than one of bare texts: its titles say most. */
export const weightsFor = (signals: readonly number[]): MatchWeights => (isTitled(signals) ? TITLED : PLAIN)
