import { hintSpans } from './pii-hints.ts'
import { hashOf, historyFeatures, type Look, looksOf, type TaggedToken, tokenFeatures, tokensOf } from './pii-tagger-features.ts'

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
const SALT = TAGS.map((tag) => Math.imul(hashOf(tag), 0x9e3779b1) | 1)

export type TaggerWeights = {
  readonly bits: number
  readonly weights: Int16Array | Float32Array
  /** Taken from the score of "nothing personal" at telling tokens: what is missed costs more than a word masked without need. */
  readonly againstNothing?: number
}

/** Features and tags share one hashed table (Ganchev and Dredze, "Small statistical models by random feature mixing", 2008). */
export const slotOf = (feature: number, tag: number, bits: number): number => {
  const mixed = Math.imul(feature ^ SALT[tag]!, 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) >>> (32 - bits)
}

/** By the tag before: the tags that may follow. An inside follows only its own beginning or inside. */
const mayFollow = TAGS.map((last) =>
  TAGS.flatMap((tag, number) => (!tag.startsWith('I-') || last === tag || last === `B-${tag.slice(2)}` ? [number] : [])),
)

/** Where a name, a number or an address may be: everyday words, small numbers and what merely begins a text are not leaned upon. */
function isTelling(looks: readonly Look[], at: number): boolean {
  const { shape, kind } = looks[at]!
  if (kind === 'common' || kind === 'kin' || kind === 'time') return false
  if (/^d[3-9]/.test(shape)) return /^X|^[,\n]$/.test(looks[at - 1]?.shape ?? '') || /^Xx/.test(looks[at + 1]?.shape ?? '')
  return shape === 'Xx' && (at > 0 || kind === 'given' || looks[1]?.shape === 'Xx')
}

export function bestTag({ bits, weights }: TaggerWeights, features: ArrayLike<number>, last: number, againstNothing = 0): number {
  let best = 0
  let bestScore = Number.NEGATIVE_INFINITY
  for (const tag of mayFollow[last]!) {
    let score = tag === 0 ? -againstNothing : 0
    for (let nth = 0; nth < features.length; nth++) score += weights[slotOf(features[nth]!, tag, bits)]!
    if (score > bestScore) {
      bestScore = score
      best = tag
    }
  }
  return best
}

/** What the patterns found at each token, for `tokenFeatures`. */
export function rulesAt(
  tokens: readonly TaggedToken[],
  spans: readonly { readonly type: string; readonly start: number; readonly end: number }[],
): string[] {
  const rules: string[] = Array(tokens.length).fill('')
  const sorted = spans.toSorted((a, b) => a.start - b.start)
  let from = 0
  for (const [at, { start, end }] of tokens.entries()) {
    while (from < sorted.length && sorted[from]!.end <= start) from++
    const span = sorted[from]
    if (span && span.start <= start && end <= span.end) rules[at] = span.type
  }
  return rules
}

/**
 * Tags a text from left to right, each token by a linear model over it, its neighbours and the tags before it (a greedy averaged
 * perceptron; Collins, "Discriminative training methods for hidden Markov models", EMNLP 2002). Time is that of the text.
 */
export function tagText(model: TaggerWeights, text: string, found: Parameters<typeof rulesAt>[1]): TypedSpan[] {
  const tokens = tokensOf(text)
  const looks = looksOf(tokens)
  const rules = rulesAt(tokens, [...found, ...hintSpans(text)])
  let [beforeLast, last] = [0, 0]
  const tags: number[] = []
  for (let at = 0; at < tokens.length; at++) {
    const { plain, lexical } = tokenFeatures(tokens, looks, rules, at)
    // As 32-bit integers: every feature is looked up under every tag, and hashes above 2^31 would be numbers on the heap.
    const history = historyFeatures(looks, at, TAGS[last]!, TAGS[beforeLast]!)
    const features = new Int32Array(plain.length + lexical.length + history.length)
    features.set(plain)
    features.set(lexical, plain.length)
    features.set(history, plain.length + lexical.length)
    const tag = bestTag(model, features, last, isTelling(looks, at) ? model.againstNothing : 0)
    tags.push(tag)
    ;[beforeLast, last] = [last, tag]
  }
  return spansOf(tokens, tags)
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
