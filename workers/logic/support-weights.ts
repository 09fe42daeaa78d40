/** Written by cli/eval/train-support.ts from 3599 judged texts; do not edit by hand. */
export const SUPPORT_WEIGHTS: readonly number[] = [
  -3.0991, // constant
  -0.6423, // span on average
  2.8305, // span at worst
  1.6679, // terms on average
  -0.6292, // terms at worst
  1.9606, // families on average
  -0.6043, // families at worst
  1.5759, // near on average
  -0.3603, // near at worst
  2.1987, // pairs on average
  -0.7752, // pairs at worst
  1.0232, // triples on average
  -2.8841, // triples at worst
  -0.8881, // grams on average
  -0.0914, // grams at worst
  0.422, // missing on average
  -0.1079, // missing at worst
  1.0804, // rarestMissing on average
  -1.259, // rarestMissing at worst
  -0.1822, // gaps on average
  0.1826, // gaps at worst
  -0.1386, // names on average
  -0.9064, // names at worst
  1.6823, // nameShare on average
  -0.7937, // nameShare at worst
  0.4697, // facts on average
  -1.3217, // facts at worst
  -1.2999, // numbers on average
  0.1381, // numbers at worst
  0.4648, // negation on average
  -1.1255, // negation at worst
  0.1, // absolutes on average
  -0.3918, // absolutes at worst
  -0.4237, // adverbs on average
  0.2589, // adverbs at worst
  -1.0791, // contradiction on average
  0.0362, // contradiction at worst
  -1.0611, // length on average
  0.3977, // length at worst
  0.9325, // sentences
]

/** Best balanced accuracy over the three sets in the held-out folds. */
export const SUPPORT_THRESHOLD = 0.34
