import { patternSpans } from './find-personal-data.ts'
import { bestTag, rulesAt, slotOf, TAGS, type TaggerWeights, type TypedSpan } from './pii-tagger.ts'
import { historyFeatures, type TaggedToken, tokenFeatures, tokensOf } from './pii-tagger-features.ts'

/** Offsets are UTF-16 units. */
export type TaggedText = { readonly text: string; readonly spans: readonly TypedSpan[] }
type Prepared = {
  readonly tokens: readonly TaggedToken[]
  readonly features: readonly number[][]
  readonly gold: readonly number[]
}

export function prepare({ text, spans }: TaggedText): Prepared {
  const tokens = tokensOf(text)
  const rules = rulesAt(tokens, patternSpans(text))
  return {
    tokens,
    features: tokens.map((_, at) => tokenFeatures(tokens, rules, at)),
    gold: tokens.map((token) => goldTag(token, spans)),
  }
}

function goldTag({ start, end }: TaggedToken, spans: readonly TypedSpan[]): number {
  const span = spans.find((one) => start >= one.start && end <= one.end)
  return span === undefined ? 0 : TAGS.indexOf(`${start === span.start ? 'B' : 'I'}-${span.type}`)
}

/**
 * Averaged perceptron over its own greedy decisions, so that it learns to live with its mistakes. The same texts, order and random
 * give the same weights.
 */
export function trainTagger(
  texts: readonly Prepared[],
  { bits, epochs, random }: { readonly bits: number; readonly epochs: number; readonly random: () => number },
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
      const { tokens, features, gold } = texts[at]!
      let [beforeLast, last] = [0, 0]
      for (let place = 0; place < tokens.length; place++) {
        step++
        const all = [...features[place]!, ...historyFeatures(tokens, place, TAGS[last]!, TAGS[beforeLast]!)]
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
