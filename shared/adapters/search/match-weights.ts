/** Of the first round: set so that its best 100 hold what the second round wants. */
export const FIRST_WEIGHTS = { document: 0.65, passage: 0.5, title: 1.9, path: 1.5 } as const

/** By signal, in the order of `SIGNALS`: few signs, which need no reading of the whole passage. Learned by `cli/eval/retrieval-train.ts`. */
export const SPARSE_WEIGHTS: readonly number[] = [
  0.517, 0.637, 2.129, 0.89, 1.499, 0, 0, 0, 0, 0.455, 0.723, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]

/** By signal and, last, the cosine of the dense leg. Learned on the same questions. */
export const RERANK_WEIGHTS: readonly number[] = [
  0.875, 0.42, 2.085, 0.114, 1.316, -0.195, 0.524, -0.864, -0.37, 0.682, 0.527, 0.314, 0.226, 1.322, 0.576, -0.346, 0.188, 0.044,
  0.03, -0.09, -0.751, 0.373, 1.112, 0.162, -0.91, 2.327,
]

/** Constant, score, lead, cosine, then by signal. Learned on questions with and without an answer in the knowledge. */
export const ANSWERABLE_WEIGHTS: readonly number[] = [
  -5.091, 0.376, -0.62, -0.663, -0.288, 0.07, 0.537, -0.36, -0.238, 0.337, 0.181, -0.573, -0.39, 0.278, 0.078, -0.042, 0.17,
  0.604, 0.931, 0.496, -0.14, -0.31, -0.162, 0.201, -0.256, 0.19, 0.784, 0.028, 0.132,
]
