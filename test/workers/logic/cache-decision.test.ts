import { describe, expect, test } from 'vitest'
import { seededRandom } from '#test/simulator/seeded-random.ts'
import { calibrate, certainFrom, exploreProbability, normalQuantile, type Observation } from '#workers/logic/cache-decision.ts'

const curve = (similarity: number, threshold: number, slope: number) => 1 / (1 + Math.exp(-slope * (similarity - threshold)))
function observed(n: number, random: () => number, threshold = 0.6, slope = 25): Observation[] {
  return Array.from({ length: n }, () => {
    const similarity = random()
    return { similarity, correct: random() < curve(similarity, threshold, slope) }
  })
}

describe('without enough evidence there is nothing to decide on', () => {
  test.each<[string, Observation[]]>([
    ['none', []],
    ['five', observed(5, seededRandom(1))],
    ['only right ones', Array.from({ length: 50 }, () => ({ similarity: 0.9, correct: true }))],
    ['only wrong ones', Array.from({ length: 50 }, () => ({ similarity: 0.9, correct: false }))],
    ['the more alike, the more wrong', Array.from({ length: 40 }, (_, i) => ({ similarity: i / 40, correct: i < 20 }))],
  ])('%s', (_name, observations) => expect(calibrate(observations)).toBeUndefined())
})

test('the threshold is where right and wrong are even, and is surer the more was seen', () => {
  const few = calibrate(observed(40, seededRandom(3)))!
  const many = calibrate(observed(4_000, seededRandom(3)))!
  expect(many.threshold).toBeCloseTo(0.6, 1)
  expect(many.variance).toBeLessThan(few.variance)
  expect(certainFrom(many, 0.02)).toBeLessThan(certainFrom(few, 0.02))
})

test('cleanly parted evidence gives a finite curve', () => {
  const parted = Array.from({ length: 30 }, (_, i) => ({ similarity: i / 30, correct: i >= 15 }))
  const { threshold, slope, variance } = calibrate(parted)!
  expect(threshold).toBeGreaterThan(0.4)
  expect(threshold).toBeLessThan(0.6)
  expect(Number.isFinite(slope) && variance > 0).toBe(true)
})

test('the less alike, the more often the question is answered anew, and a stricter bound asks more often', () => {
  const calibration = calibrate(observed(300, seededRandom(5)))!
  const at = (similarity: number, bound = 0.02) => exploreProbability(calibration, similarity, bound)
  const steps = [0, 0.2, 0.4, 0.6, 0.8, 1].map((similarity) => at(similarity))
  expect(steps).toEqual([...steps].sort((a, b) => b - a))
  expect(at(0.3)).toBeGreaterThan(0.9)
  expect(at(0.8, 0.001)).toBeGreaterThanOrEqual(at(0.8, 0.05))
})

test.each([0.01, 0.02, 0.05])('on a stream that it learns from, wrong answers stay at or below %d of all', (maxErrorRate) => {
  const random = seededRandom(42)
  const seen: Observation[] = []
  let [wrong, hits] = [0, 0]
  const requests = 6_000
  let calibration = calibrate(seen)
  for (let n = 0; n < requests; n++) {
    const similarity = random()
    const correct = random() < curve(similarity, 0.55, 20)
    if (calibration && random() >= exploreProbability(calibration, similarity, maxErrorRate)) {
      hits++
      if (!correct) wrong++
    } else {
      seen.push({ similarity, correct })
      if (seen.length % 20 === 0) calibration = calibrate(seen.slice(-500))
    }
  }
  expect(wrong / requests).toBeLessThanOrEqual(maxErrorRate)
  expect(hits / requests).toBeGreaterThan(0.05)
})

test('quantiles of the normal distribution are those of the tables', () => {
  for (const [p, z] of [
    [0.5, 0],
    [0.975, 1.959964],
    [0.001, -3.090232],
    [0.99, 2.326348],
    [0.02, -2.053749],
  ] as const)
    expect(normalQuantile(p)).toBeCloseTo(z, 5)
})
