import { hintSpans } from './pii-hints.ts'
import { hashOf, type TaggedToken } from './pii-looks.ts'
import { historyFeatures, type Seen, seenOf, tokenFeatures } from './pii-tagger-features.ts'
import { addScores, type TaggerModel } from './pii-tagger-model.ts'

/** Types of the public evaluation data that a person's writing may hold; those that patterns find better are decided by patterns. */
export const TAGGED_TYPES = [
  'PERSON',
  'STREET_ADDRESS',
  'GPE',
  'ORGANIZATION',
  'DATE_TIME',
  'CREDIT_CARD',
  'TITLE',
  'AGE',
  'PHONE_NUMBER',
  'DOMAIN_NAME',
  'ZIP_CODE',
  'NRP',
  'IBAN_CODE',
  'EMAIL_ADDRESS',
  'US_SSN',
  'IP_ADDRESS',
  'US_DRIVER_LICENSE',
] as const
export type TaggedType = (typeof TAGGED_TYPES)[number]
export type TypedSpan = { readonly type: TaggedType; readonly start: number; readonly end: number }

/** `O`, then a beginning and an inside of every type. */
export const TAGS: readonly string[] = ['O', ...TAGGED_TYPES.flatMap((type) => [`B-${type}`, `I-${type}`])]

/** By the tag before: the tags that may follow. An inside follows only its own beginning or inside. */
const mayFollow = TAGS.map((last) =>
  TAGS.flatMap((tag, number) => (!tag.startsWith('I-') || last === tag || last === `B-${tag.slice(2)}` ? [number] : [])),
)

/** The best of the tags that may follow `last`; with `except`, the best other one. */
export function bestTag(scores: ArrayLike<number>, last: number, except = -1): number {
  let best = 0
  let bestScore = Number.NEGATIVE_INFINITY
  for (const tag of mayFollow[last]!) {
    if (tag !== except && scores[tag]! > bestScore) {
      bestScore = scores[tag]!
      best = tag
    }
  }
  return best
}

/** What the patterns and the hints found at each token, for `seenOf`. */
export const seenText = (text: string, found: Parameters<typeof rulesAt>[1]): Seen =>
  seenOf(text, (tokens) => rulesAt(tokens, [...found, ...hintSpans(text)]))

function rulesAt(
  tokens: readonly TaggedToken[],
  spans: readonly { readonly type: string; readonly start: number; readonly end: number }[],
): Int32Array {
  const rules = new Int32Array(tokens.length)
  const sorted = spans.toSorted((a, b) => a.start - b.start)
  let from = 0
  for (const [at, { start, end }] of tokens.entries()) {
    while (from < sorted.length && sorted[from]!.end <= start) from++
    const span = sorted[from]
    if (span && span.start <= start && end <= span.end) rules[at] = hashOf(span.type)
  }
  return rules
}

/**
 * Tags a text from left to right, each token by a linear model over it, its neighbours and the tags before it (a greedy averaged
 * perceptron; Collins, "Discriminative training methods for hidden Markov models", EMNLP 2002). Time is that of the text.
 */
export function tagText(model: TaggerModel, text: string, found: Parameters<typeof rulesAt>[1]): TypedSpan[] {
  const seen = seenText(text, found)
  const scores = new Float64Array(TAGS.length)
  let [beforeLast, last] = [0, 0]
  const tags: number[] = []
  for (let at = 0; at < seen.tokens.length; at++) {
    scores.fill(0)
    if (model.leanings) scores.set(model.leanings)
    const { plain, lexical, named } = tokenFeatures(seen, at)
    for (const features of [plain, lexical, named, historyFeatures(seen, at, last, beforeLast)])
      for (let nth = 0; nth < features.length; nth++) addScores(model, features[nth]!, scores)
    const tag = bestTag(scores, last)
    tags.push(tag)
    beforeLast = last
    last = tag
  }
  return spansOf(seen.tokens, tags)
}

export function spansOf(tokens: readonly TaggedToken[], tags: readonly number[]): TypedSpan[] {
  const spans: { type: TaggedType; start: number; end: number }[] = []
  for (const [at, tag] of tags.entries()) {
    const name = TAGS[tag]!
    const { start, end } = tokens[at]!
    if (name.startsWith('B-')) spans.push({ type: name.slice(2) as TaggedType, start, end })
    else if (name.startsWith('I-')) spans.at(-1)!.end = end
  }
  return spans
}
