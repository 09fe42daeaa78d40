/** Written by cli/eval/train-support.ts from 3599 judged texts; do not edit by hand. */
export const SUPPORT_WEIGHTS: readonly number[] = [
  -1.7266, // constant
  0.4325, // bestTwo on average
  0.5177, // bestTwo at worst
  1.972, // bestThree on average
  1.0841, // bestThree at worst
  2.1814, // pairs on average
  -1.4845, // pairs at worst
  -0.3385, // whole on average
  -0.5526, // whole at worst
  0.3405, // uncovered on average
  -0.0902, // uncovered at worst
  -0.0771, // rarest on average
  -1.0326, // rarest at worst
  0.0744, // names on average
  -0.7884, // names at worst
  0.4414, // verbs on average
  -0.2115, // verbs at worst
  -0.1241, // qualities on average
  0.3134, // qualities at worst
  0.2263, // others on average
  -0.0134, // others at worst
  0.0119, // time on average
  0.5029, // time at worst
  -0.662, // extent on average
  -0.1364, // extent at worst
  0.1805, // facts on average
  -1.1405, // facts at worst
  0.3178, // negation on average
  -1.1441, // negation at worst
  -1.4228, // contradiction on average
  0.1243, // contradiction at worst
  -1.0684, // length on average
  0.2219, // length at worst
  1.4008, // sentences
]

/** Best balanced accuracy over the three sets in the held-out folds. */
export const SUPPORT_THRESHOLD = 0.33
