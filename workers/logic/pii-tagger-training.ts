import { patternSpans } from './find-personal-data.ts'
import type { TaggedToken } from './pii-looks.ts'
import { bestTag, seenText, TAGS, type TypedSpan } from './pii-tagger.ts'
import { historyFeatures, type Seen, type TokenFeatures, tokenFeatures } from './pii-tagger-features.ts'
import type { Row } from './pii-tagger-model.ts'

/** Offsets are UTF-16 units. */
export type TaggedText = { readonly text: string; readonly spans: readonly TypedSpan[]; readonly template?: string }
export type Prepared = { readonly seen: Seen; readonly features: readonly TokenFeatures[]; readonly gold: readonly number[] }

export function prepare({ text, spans }: TaggedText): Prepared {
  const seen = seenText(text, patternSpans(text))
  return {
    seen,
    features: seen.tokens.map((_, at) => tokenFeatures(seen, at)),
    gold: seen.tokens.map((token) => goldTag(token, spans)),
  }
}

function goldTag({ start, end }: TaggedToken, spans: readonly TypedSpan[]): number {
  const span = spans.find((one) => start >= one.start && end <= one.end)
  return span === undefined ? 0 : TAGS.indexOf(`${start === span.start ? 'B' : 'I'}-${span.type}`)
}

export type TrainingOptions = {
  readonly epochs: number
  /** The share of word features that is left out at each look, so that no text is learnt by heart. */
  readonly dropout: number
  /** How often a text is looked at without the lists of names, which will not hold the next person either. */
  readonly unlisted: number
  /** By how much the right tag must lead before nothing is learnt. */
  readonly margin: number
  readonly random: () => number
}

/** Of one token. */
const MOST_FEATURES = 128

/** Weights by tag, one row for each feature that ever changed, found by open addressing; sums for the average. */
class Table {
  size = 0
  #features = new Int32Array(2 ** 18)
  /** Of each slot, plus one; 0 is empty. */
  #rows = new Int32Array(2 ** 18)
  #weights = new Float32Array(2 ** 16 * TAGS.length)
  #sums = new Float64Array(2 ** 16 * TAGS.length)
  #since = new Int32Array(2 ** 16 * TAGS.length)

  /** The slot of a feature, or the empty one where it belongs. */
  #slotOf(feature: number): number {
    const last = this.#rows.length - 1
    let slot = feature & last
    while (this.#rows[slot] !== 0 && this.#features[slot] !== feature) slot = (slot + 1) & last
    return slot
  }

  score(feature: number, scores: Float64Array): void {
    const row = this.#rows[this.#slotOf(feature)]! - 1
    if (row < 0) return
    for (let tag = 0, at = row * TAGS.length; tag < TAGS.length; tag++, at++) scores[tag]! += this.#weights[at]!
  }

  change(feature: number, tag: number, by: number, step: number): void {
    let slot = this.#slotOf(feature)
    if (this.#rows[slot] === 0) {
      if (2 * this.size >= this.#rows.length) {
        this.#spread()
        slot = this.#slotOf(feature)
      }
      this.#features[slot] = feature
      this.#rows[slot] = ++this.size
      if (this.size * TAGS.length > this.#weights.length) this.#grow()
    }
    const at = (this.#rows[slot]! - 1) * TAGS.length + tag
    this.#sums[at]! += this.#weights[at]! * (step - this.#since[at]!)
    this.#since[at] = step
    this.#weights[at]! += by
  }

  /** Of every feature, its averaged weights by tag. */
  *averages(step: number): Generator<readonly [feature: number, weights: number[]]> {
    for (const [slot, row] of this.#rows.entries()) {
      if (row === 0) continue
      const from = (row - 1) * TAGS.length
      yield [
        this.#features[slot]!,
        TAGS.map((_, tag) => (this.#sums[from + tag]! + this.#weights[from + tag]! * (step - this.#since[from + tag]!)) / step),
      ]
    }
  }

  #spread(): void {
    const [features, rows] = [this.#features, this.#rows]
    this.#features = new Int32Array(2 * features.length)
    this.#rows = new Int32Array(2 * rows.length)
    for (const [at, row] of rows.entries()) {
      if (row === 0) continue
      const slot = this.#slotOf(features[at]!)
      this.#features[slot] = features[at]!
      this.#rows[slot] = row
    }
  }

  #grow(): void {
    const twice = <List extends Float32Array | Float64Array | Int32Array>(list: List, larger: List): List => {
      larger.set(list)
      return larger
    }
    this.#weights = twice(this.#weights, new Float32Array(2 * this.#weights.length))
    this.#sums = twice(this.#sums, new Float64Array(2 * this.#sums.length))
    this.#since = twice(this.#since, new Int32Array(2 * this.#since.length))
  }
}

/**
 * Averaged perceptron with a margin, over its own greedy decisions, so that it learns to live with its mistakes. The same texts, order
 * and random give the same rows.
 */
export function trainTagger(texts: readonly Prepared[], { epochs, dropout, unlisted, margin, random }: TrainingOptions): Row[] {
  const table = new Table()
  const scores = new Float64Array(TAGS.length)
  const active = new Int32Array(MOST_FEATURES)
  let step = 0
  const order = [...texts.keys()]
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, random)
    for (const at of order) {
      const { seen, features, gold } = texts[at]!
      const listed = random() >= unlisted
      let [beforeLast, last] = [0, 0]
      for (let place = 0; place < gold.length; place++) {
        step++
        const { plain, lexical, named } = features[place]!
        let count = 0
        for (const feature of plain) active[count++] = feature
        for (const feature of lexical) if (random() >= dropout) active[count++] = feature
        if (listed) for (const feature of named) active[count++] = feature
        for (const feature of historyFeatures(seen, place, last, beforeLast)) active[count++] = feature
        scores.fill(0)
        for (let nth = 0; nth < count; nth++) table.score(active[nth]!, scores)
        const given = bestTag(scores, last)
        const right = gold[place]!
        const rival = bestTag(scores, last, right)
        if (scores[right]! - scores[rival]! <= margin)
          for (let nth = 0; nth < count; nth++) {
            table.change(active[nth]!, right, 1, step)
            table.change(active[nth]!, rival, -1, step)
          }
        beforeLast = last
        last = given
      }
    }
  }
  return quantised([...table.averages(step)])
}

/**
 * Models that saw the same texts in another order, as one: each knows the texts by other accidents, and on average the accidents cancel out
 * (bagging without resampling; Breiman 1996).
 */
export function together(models: readonly (readonly Row[])[]): Row[] {
  const sums = new Map<number, Map<number, number>>()
  for (const rows of models)
    for (const [feature, weights] of rows) {
      const sum = sums.get(feature) ?? new Map<number, number>()
      sums.set(feature, sum)
      for (const [tag, weight] of weights) sum.set(tag, (sum.get(tag) ?? 0) + weight / models.length)
    }
  return [...sums].flatMap(([feature, sum]): Row[] => {
    const kept = [...sum]
      .map(([tag, weight]) => [tag, Math.round(weight)] as const)
      .filter(([, weight]) => Math.abs(weight) >= LEAST_TOGETHER)
    return kept.length === 0 ? [] : [[feature, kept]]
  })
}

/** Eight bits a weight; what rounds to nothing is left out. */
function quantised(averages: readonly (readonly [feature: number, weights: readonly number[]])[]): Row[] {
  const sizes = Float64Array.from(
    averages.flatMap(([, weights]) => weights.flatMap((weight) => (weight === 0 ? [] : [Math.abs(weight)]))),
  ).sort()
  const largest = Math.max(1e-9, sizes[Math.floor(sizes.length * KEPT_WHOLE)] ?? 0)
  return averages.flatMap(([feature, weights]): Row[] => {
    const kept = weights.flatMap((weight, tag) => {
      const rounded = Math.max(-127, Math.min(127, Math.round((weight / largest) * 127)))
      return Math.abs(rounded) < LEAST_WEIGHT ? [] : [[tag, rounded] as const]
    })
    return kept.length === 0 ? [] : [[feature, kept]]
  })
}
/** The few weights beyond are cut to the largest number there is, so that the many small ones keep their differences. */
const KEPT_WHOLE = 0.9995
const LEAST_WEIGHT = 3
/** What is so small in the average was an accident of one; it is half of the file. */
const LEAST_TOGETHER = 5

function shuffle(order: number[], random: () => number): void {
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[order[at], order[other]] = [order[other]!, order[at]!]
  }
}
