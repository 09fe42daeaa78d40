import { dot, sigmoid } from './logistic-regression.ts'
import { supportFeatures } from './support-features.ts'
import type { SupportIndex } from './support-index.ts'
import { SUPPORT_WEIGHTS } from './support-weights.ts'

/**
 * How likely it is that the evidence carries the text: a logistic regression over what of it stands there and what does not, learned
 * from people's judgements. It compares wording, not meaning; it ranks, and never blocks by itself (docs/quality-faithfulness.md).
 * @returns 0..1
 */
export const supportScore = (text: string, index: SupportIndex): number =>
  sigmoid(dot(SUPPORT_WEIGHTS, [1, ...supportFeatures(text, index)]))
