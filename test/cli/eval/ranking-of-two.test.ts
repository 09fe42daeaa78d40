import { expect, test } from 'vitest'
import { atThreshold, rocArea } from '#cli/eval/ranking-of-two.ts'

test('the area is the share of pairs in the right order, ties counting half', () => {
  // Positives 0.9 and 0.4, negatives 0.4 and 0.1: of four pairs three are right and one is a tie.
  const { auc, auc95 } = rocArea([0.9, 0.4, 0.4, 0.1], [true, true, false, false])
  expect(auc).toBe(3.5 / 4)
  expect(auc95[0]).toBeLessThan(auc)
  expect(rocArea([1, 2, 3], [false, false, true]).auc).toBe(1)
  expect(rocArea([3, 2, 1], [false, false, true]).auc).toBe(0)
  expect(rocArea([1], [true]).auc).toBeNaN()
})

test('at a threshold each class counts the same, however rare it is', () => {
  const scores = [0.9, 0.8, 0.7, 0.2]
  expect(atThreshold(scores, [true, true, false, false], 0.5)).toEqual({ balancedAccuracy: 0.75, f1: 0.8 })
  expect(atThreshold(scores, [true, true, true, false], 0.95)).toEqual({ balancedAccuracy: 0.5, f1: 0 })
})
