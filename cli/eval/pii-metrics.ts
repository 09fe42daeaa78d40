import { tokensOf } from '#workers/logic/pii-looks.ts'
import { TAGGED_TYPES, type TypedSpan } from '#workers/logic/pii-tagger.ts'

export type JudgedText = { readonly text: string; readonly gold: readonly TypedSpan[]; readonly found: readonly TypedSpan[] }
type Counts = { right: number; found: number; gold: number }

const emptyCounts = (): Counts => ({ right: 0, found: 0, gold: 0 })
const scoresOf = ({ right, found, gold }: Counts) => ({
  precision: found === 0 ? null : right / found,
  recall: gold === 0 ? null : right / gold,
  f1: found + gold === 0 ? null : (2 * right) / (found + gold),
})

/**
 * By token, as the evaluator that comes with the public data counts; `exact` asks for the very same span. `maskedRecall` is the share
 * of personal spans of which at least four fifths are covered by whatever type; `textsWithout` are texts that hold none.
 */
export function piiMetrics(texts: readonly JudgedText[]) {
  const tokens = new Map(TAGGED_TYPES.map((type) => [type as string, emptyCounts()]))
  const exact = new Map(TAGGED_TYPES.map((type) => [type as string, emptyCounts()]))
  for (const judged of texts) {
    countTokens(judged, tokens)
    countSpans(judged, exact)
  }
  const sum = (counts: Iterable<Counts>) =>
    [...counts].reduce((a, b) => ({ right: a.right + b.right, found: a.found + b.found, gold: a.gold + b.gold }), emptyCounts())
  const spans = texts.flatMap(({ gold, found }) => gold.map((span) => isCovered(span, found)))
  const without = texts.filter(({ gold }) => gold.length === 0)
  return {
    ...scoresOf(sum(tokens.values())),
    exact: scoresOf(sum(exact.values())),
    maskedRecall: spans.length === 0 ? null : spans.filter(Boolean).length / spans.length,
    textsWithout: without.length,
    overMasked: without.length === 0 ? null : without.filter(({ found }) => found.length > 0).length / without.length,
    byType: Object.fromEntries(
      TAGGED_TYPES.filter((type) => tokens.get(type)!.gold + tokens.get(type)!.found > 0).map((type) => [
        type,
        { ...scoresOf(tokens.get(type)!), spans: exact.get(type)!.gold, exact: scoresOf(exact.get(type)!) },
      ]),
    ),
  }
}

/** @property family texts of one sentence, which stand or fall together */
export type FamilyText = JudgedText & { readonly family: string }
const RESAMPLES = 500

/**
 * 95 % intervals of F1 by type and of the masked recall: whole families are drawn with replacement (percentile bootstrap, Efron and
 * Tibshirani 1993), because texts of one sentence tell little more than one of them.
 * @param random source of numbers in [0, 1)
 */
export function piiIntervals(texts: readonly FamilyText[], random: () => number): Record<string, readonly [number, number]> {
  const families = [...Map.groupBy(texts, ({ family }) => family).values()]
  const seen = new Map<string, number[]>()
  for (let nth = 0; nth < RESAMPLES; nth++) {
    const drawn = families.flatMap(() => families[Math.floor(random() * families.length)]!)
    const { maskedRecall, f1, byType } = piiMetrics(drawn)
    const all = {
      masked: maskedRecall,
      all: f1,
      ...Object.fromEntries(Object.entries(byType).map(([type, of]) => [type, of.f1])),
    }
    for (const [name, value] of Object.entries(all)) if (value !== null) seen.set(name, [...(seen.get(name) ?? []), value])
  }
  const at = (values: readonly number[], share: number) => values[Math.floor(share * (values.length - 1))]!
  return Object.fromEntries(
    [...seen].map(([name, values]) => {
      const sorted = values.toSorted((a, b) => a - b)
      return [name, [at(sorted, 0.025), at(sorted, 0.975)]]
    }),
  )
}

const overlaps = (a: { start: number; end: number }, b: { start: number; end: number }) => a.start < b.end && b.start < a.end

function countTokens({ text, gold, found }: JudgedText, counts: ReadonlyMap<string, Counts>): void {
  for (const token of tokensOf(text)) {
    const is = gold.find((span) => overlaps(span, token))?.type
    const said = found.find((span) => overlaps(span, token))?.type
    if (is) counts.get(is)!.gold++
    if (said) counts.get(said)!.found++
    if (is && is === said) counts.get(is)!.right++
  }
}

function countSpans({ gold, found }: JudgedText, counts: ReadonlyMap<string, Counts>): void {
  const keyOf = ({ type, start, end }: TypedSpan) => `${type} ${start} ${end}`
  const known = new Set(gold.map(keyOf))
  for (const { type } of gold) counts.get(type)!.gold++
  for (const span of found) {
    counts.get(span.type)!.found++
    if (known.has(keyOf(span))) counts.get(span.type)!.right++
  }
}

function isCovered(span: TypedSpan, found: readonly TypedSpan[]): boolean {
  const covered = found.reduce(
    (sum, { start, end }) => sum + Math.max(0, Math.min(end, span.end) - Math.max(start, span.start)),
    0,
  )
  return covered >= 0.8 * (span.end - span.start)
}
