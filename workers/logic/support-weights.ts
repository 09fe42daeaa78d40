/** Written by cli/eval/train-support.ts from 3599 judged texts; do not edit by hand. */
export const SUPPORT_WEIGHTS: readonly number[] = [
  -1.5448, // constant
  0.4453, // bestTwo on average
  0.4441, // bestTwo at worst
  2.0479, // bestThree on average
  1.1019, // bestThree at worst
  2.1038, // pairs on average
  -1.4563, // pairs at worst
  -0.318, // whole on average
  -0.6439, // whole at worst
  0.3754, // uncovered on average
  -0.0943, // uncovered at worst
  -0.142, // rarest on average
  -1.0536, // rarest at worst
  0.1369, // names on average
  -0.8615, // names at worst
  0.4191, // verbs on average
  -0.2091, // verbs at worst
  -0.1576, // qualities on average
  0.3476, // qualities at worst
  0.2192, // others on average
  -0.0182, // others at worst
  0.0605, // time on average
  0.4511, // time at worst
  -0.6356, // extent on average
  -0.1738, // extent at worst
  0.1884, // facts on average
  -1.1206, // facts at worst
  0.2379, // negation on average
  -1.0784, // negation at worst
  -1.4509, // contradiction on average
  0.1579, // contradiction at worst
  -1.0629, // length on average
  0.1908, // length at worst
  1.3789, // sentences
]

/** Best balanced accuracy over the three sets in the held-out folds. */
export const SUPPORT_THRESHOLD = 0.37
