import { expect, test } from 'vitest'
import { fitLogistic, fitRanking } from '#cli/eval/linear-models.ts'

/** The first column says it, the second is noise, the third says the opposite. */
const lists = Array.from({ length: 30 }, (_, i) => ({
  rows: [
    [1, (i * 7) % 5, 0],
    [0, (i * 3) % 5, 1],
    [0, (i * 2) % 5, 1],
  ],
  relevant: [true, false, false],
  weight: 1,
}))

test('a ranking learns which column tells the answer, the same way each time', () => {
  const [tells, noise, opposite] = fitRanking(lists)
  expect(tells).toBeGreaterThan(1)
  expect(opposite).toBeLessThan(-1)
  expect(Math.abs(noise!)).toBeLessThan(0.5)
  expect(fitRanking(lists)).toEqual([tells, noise, opposite])
})

test('questions whose answers were not found, or that weigh nothing, teach nothing', () => {
  const lost = { rows: [[0, 0, 1]], relevant: [false], weight: 1 }
  const ignored = {
    rows: [
      [0, 0, 1],
      [1, 0, 0],
    ],
    relevant: [true, false],
    weight: 0,
  }
  expect(fitRanking([...lists, lost])).toEqual(fitRanking(lists))
  expect(fitRanking([...lists, ignored])[0]).toBeCloseTo(fitRanking(lists)[0]!, 6)
})

test('a logistic model gives both classes the same weight, however many there are of each', () => {
  const rows = [
    ...Array.from({ length: 90 }, (_, i) => [1 + (i % 3) / 10]),
    ...Array.from({ length: 10 }, (_, i) => [(i % 3) / 10]),
  ]
  const [constant, slope] = fitLogistic(
    rows,
    rows.map((_, i) => i < 90),
  )
  const probability = (x: number) => 1 / (1 + Math.exp(-(constant! + slope! * x)))
  expect(probability(1.1)).toBeGreaterThan(0.9)
  expect(probability(0.1)).toBeLessThan(0.1)
  expect(probability(0.6)).toBeCloseTo(0.5, 1)
})
