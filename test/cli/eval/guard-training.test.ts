import { describe, expect, test } from 'vitest'
import type { MessageRow } from '#cli/eval/guard-corpus.ts'
import { chooseThreshold, type Limit } from '#cli/eval/guard-training.ts'

const row = (source: string): MessageRow => ({ text: 'x', attack: false, kind: 'benign', source, weight: 1 })

describe('the threshold of the guard', () => {
  const rows = [...Array.from({ length: 10 }, () => row('a')), ...Array.from({ length: 10 }, () => row('b'))]
  const scores = Float64Array.from([
    ...Array.from({ length: 10 }, (_, n) => n - 20),
    ...Array.from({ length: 10 }, (_, n) => n - 40),
  ])
  const limit = (source: string, falsePositives: number): Limit => ({ of: (each) => each.source === source, falsePositives })
  const flagged = (source: string, threshold: number) =>
    rows.filter((each, at) => each.source === source && scores[at]! >= threshold).length

  test('is the lowest at which every limit is kept', () => {
    const threshold = chooseThreshold(rows, scores, [limit('a', 0.2), limit('b', 0.5)])
    expect(flagged('a', threshold)).toBe(2)
    expect(flagged('b', threshold)).toBe(0)
    expect(flagged('a', threshold - 2e-6)).toBe(3)
  })

  test('is not bound by a limit that concerns no row, however low the scores are', () => {
    expect(chooseThreshold(rows, scores, [limit('a', 0.2), limit('nobody', 0.1)])).toBe(
      chooseThreshold(rows, scores, [limit('a', 0.2)]),
    )
  })
})
