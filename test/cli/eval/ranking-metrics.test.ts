import { expect, test } from 'vitest'
import { areaUnderCurve, percentile, scoreRanking } from '#cli/eval/ranking-metrics.ts'

test('scores a ranking as the textbook does', () => {
  expect(scoreRanking(['x', 'a', 'y', 'b'], new Set(['a', 'b']))).toEqual({
    'ndcg@10': expect.closeTo((1 / Math.log2(3) + 1 / Math.log2(5)) / (1 + 1 / Math.log2(3))),
    'recall@5': 1,
    'recall@20': 1,
    'mrr@10': 0.5,
  })
  expect(scoreRanking(['a'], new Set(['a']))).toMatchObject({ 'ndcg@10': 1, 'mrr@10': 1 })
  expect(scoreRanking([], new Set(['a']))).toEqual({ 'ndcg@10': 0, 'recall@5': 0, 'recall@20': 0, 'mrr@10': 0 })
  const late = scoreRanking([...Array.from({ length: 10 }, (_, i) => `x${i}`), 'a'], new Set(['a']))
  expect(late).toEqual({ 'ndcg@10': 0, 'recall@5': 0, 'recall@20': 1, 'mrr@10': 0 })
})

test('the area under the curve counts pairs, ties for half', () => {
  expect(areaUnderCurve([3, 4], [1, 2])).toBe(1)
  expect(areaUnderCurve([1, 2], [3, 4])).toBe(0)
  expect(areaUnderCurve([1, 1], [1, 1])).toBe(0.5)
  expect(areaUnderCurve([1, 3], [2])).toBe(0.5)
})

test('percentiles are values that occurred', () => {
  expect(percentile([5, 1, 3], 0.5)).toBe(3)
  expect(percentile([5, 1, 3], 0.99)).toBe(5)
})
