import { patternSpans } from './find-personal-data.ts'
import { hintSpans } from './pii-hints.ts'
import { bestTag, rulesAt, slotOf, TAGS, type TaggerWeights, type TypedSpan } from './pii-tagger.ts'
import { historyFeatures, looksOf, type TaggedToken, tokenFeatures, tokensOf } from './pii-tagger-features.ts'

/** Offsets are UTF-16 units. */
export type TaggedText = { readonly text: string; readonly spans: readonly TypedSpan[]; readonly template?: string }
export type Prepared = {
  readonly tokens: readonly TaggedToken[]
  readonly looks: ReturnType<typeof looksOf>
  readonly features: readonly ReturnType<typeof tokenFeatures>[]
  readonly gold: readonly number[]
}

export function prepare({ text, spans }: TaggedText): Prepared {
  const tokens = tokensOf(text)
  const rules = rulesAt(tokens, [...patternSpans(text), ...hintSpans(text)])
  const looks = looksOf(tokens)
  return {
    tokens,
    looks,
    features: tokens.map((_, at) => tokenFeatures(tokens, looks, rules, at)),
    gold: tokens.map((token) => goldTag(token, spans)),
  }
}

function goldTag({ start, end }: TaggedToken, spans: readonly TypedSpan[]): number {
  const span = spans.find((one) => start >= one.start && end <= one.end)
  return span === undefined ? 0 : TAGS.indexOf(`${start === span.start ? 'B' : 'I'}-${span.type}`)
}

export type TrainingOptions = {
  readonly bits: number
  readonly epochs: number
  /** The share of word features that is left out at each look, so that no text is learnt by heart. */
  readonly dropout: number
  readonly random: () => number
}

/**
 * Averaged perceptron over its own greedy decisions, so that it learns to live with its mistakes. The same texts, order and random
 * give the same weights.
 */
export function trainTagger(
  texts: readonly Prepared[],
  { bits, epochs, dropout, random }: TrainingOptions,
): TaggerWeights & { readonly weights: Float32Array } {
  const weights = new Float32Array(2 ** bits)
  const sums = new Float64Array(2 ** bits)
  const since = new Int32Array(2 ** bits)
  let step = 0
  const change = (features: readonly number[], tag: number, by: number) => {
    for (const feature of features) {
      const slot = slotOf(feature, tag, bits)
      sums[slot]! += weights[slot]! * (step - since[slot]!)
      since[slot] = step
      weights[slot]! += by
    }
  }
  const order = [...texts.keys()]
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, random)
    for (const at of order) {
      const { tokens, looks, features, gold } = texts[at]!
      let [beforeLast, last] = [0, 0]
      for (let place = 0; place < tokens.length; place++) {
        step++
        const { plain, lexical } = features[place]!
        const kept = dropout > 0 ? lexical.filter(() => random() >= dropout) : lexical
        const all = [...plain, ...kept, ...historyFeatures(looks, place, TAGS[last]!, TAGS[beforeLast]!)]
        const given = bestTag({ bits, weights }, all, last)
        if (given !== gold[place]) {
          change(all, gold[place]!, 1)
          change(all, given, -1)
        }
        ;[beforeLast, last] = [last, given]
      }
    }
  }
  return { bits, weights: weights.map((weight, slot) => (sums[slot]! + weight * (step - since[slot]!)) / step) }
}

function shuffle(order: number[], random: () => number): void {
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[order[at], order[other]] = [order[other]!, order[at]!]
  }
}

/** Sixteen bits a weight: eight would round the many small weights away that decide most cases. */
export function quantised(weights: Float32Array): Int16Array {
  const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 1e-9)
  return Int16Array.from(weights, (weight) => Math.round((weight / largest) * 32_767))
}
