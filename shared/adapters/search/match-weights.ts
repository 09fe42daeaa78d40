/** Of the first round: set so that its best 100 hold what the second round wants. */
export const FIRST_WEIGHTS = { document: 0.65, passage: 0.5, title: 1.9, path: 1.5 } as const

/** By signal, in the order of `SIGNALS`. Learned by `cli/eval/retrieval-train.ts`. */
export const SPARSE_WEIGHTS: readonly number[] = [
  0.65, 0.65, 1.28, 1, 1.35, 0, 0, 0, 0, 0.4, 0.6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]

/** By signal and, last, the cosine of the dense leg. */
export const RERANK_WEIGHTS: readonly number[] = [
  0.65, 0.65, 1.28, 1, 1.35, 0, 0, 0, 0, 0.4, 0.6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5,
]

/** Constant, score, lead, cosine, then by signal. */
export const ANSWERABLE_WEIGHTS: readonly number[] = [
  -3, 0.5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]
