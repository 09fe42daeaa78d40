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

/** Constant, score, lead, cosine, then by signal. Learned on questions with and without an answer, conversations among them. */
export const ANSWERABLE_WEIGHTS: readonly number[] = [
  -4.958, 0.427, -0.504, -0.633, -0.272, 0.426, 0.258, -0.852, -0.248, 0.372, -0.077, -0.648, -0.506, 0.192, 0.224, -0.048, 0.026,
  0.271, 0.831, 0.017, 0.057, -0.464, -0.021, 0.075, -0.316, 0.283, 0.251, -0.38, -0.035,
]
