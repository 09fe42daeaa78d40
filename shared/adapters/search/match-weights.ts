/** Of the first round: set so that its best 100 hold what the second round wants. */
export const FIRST_WEIGHTS = { document: 0.65, passage: 0.5, title: 1.9, path: 1.5 } as const

export type MatchWeights = {
  /** By signal, in the order of `SIGNALS`: few signs. */
  readonly sparse: readonly number[]
  /** By signal and, last, the cosine of the dense leg. */
  readonly rerank: readonly number[]
  /** Constant, score, lead, cosine, then by signal. */
  readonly answerable: readonly number[]
}

/** Learned on msft_support_kb and mtrag_un before `PLAIN` was split off, by a forerunner of `cli/eval/retrieval-train.ts`. */
const TITLED: MatchWeights = {
  sparse: [
    0.517, 0.637, 2.129, 0.89, 1.499, 0, 0, 0, 0, 0.455, 0.723, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0,
  ],
  rerank: [
    0.875, 0.42, 2.085, 0.114, 1.316, -0.195, 0.524, -0.864, -0.37, 0.682, 0.527, 0.314, 0.226, 1.322, 0.576, -0.346, 0.188,
    0.044, 0.03, -0.09, -0.751, 0.373, 1.112, 0.162, -0.91, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2.327,
  ],
  answerable: [
    -4.958, 0.427, -0.504, -0.633, -0.272, 0.426, 0.258, -0.852, -0.248, 0.372, -0.077, -0.648, -0.506, 0.192, 0.224, -0.048,
    0.026, 0.271, 0.831, 0.017, 0.057, -0.464, -0.021, 0.075, -0.316, 0.283, 0.251, -0.38, -0.035, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0,
  ],
}
/** Of knowledge without titles: on mtrag_un and on msft_support_kb without title and path, by `cli/eval/retrieval-train.ts` (unbalanced kinds). */
const PLAIN: MatchWeights = {
  sparse: [
    0.334, 1.216, 0.621, -0.148, 0.477, 0, 0, 0, 0, 0.18, 1.216, 0, 0, 3.548, -0.728, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0,
  ],
  rerank: [
    1.391, 0.279, 0.73, -0.459, 0.264, -0.166, 0.906, -0.835, -0.095, -0.231, 0.398, 0.082, 0.215, 1.881, 0.663, -0.18, 0.117,
    0.301, -0.049, -0.138, 0.162, 0.612, 1.63, 0.664, -1.697, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2.96,
  ],
  answerable: [
    -4.485, 0.195, -0.435, 0.383, -0.356, 0.059, 0.527, -0.066, 0.464, 0.632, -0.688, 0.078, 0.222, -0.104, 0.599, -0.373, 0.124,
    0.042, 0.068, -0.072, -0.031, 0.038, -0.137, -0.263, -0.457, 0.441, 0.764, -0.166, 0.435, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    1.176,
  ],
}

/** Below this share of documents with a title, titles are no help by which one may tell documents apart. */
const MANY_TITLED = 0.75
export const isTitled = (signals: readonly number[]): boolean => signals.at(-1)! >= MANY_TITLED

/** A knowledge whose documents mostly have titles is searched by other weights than one of bare texts: its titles say most. */
export const weightsFor = (signals: readonly number[]): MatchWeights => (isTitled(signals) ? TITLED : PLAIN)
