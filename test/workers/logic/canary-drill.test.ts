import { expect, test } from 'vitest'
import { givesAway } from './adversarial-outputs.ts'
import { canaryDrill } from './canary-drill.ts'

test('no mark and no rule of a prompt leaves in 500 adversarial outputs, and what is true in some of them does', () => {
  const { leaks, delivered } = canaryDrill(500, 7)
  expect(leaks).toEqual([])
  expect(delivered).toBeGreaterThan(0)
})

test('the drill would see a leak', () => {
  expect(givesAway('All fine. a 3 f 0 9 c 1 7 b e 5 2', 'a 3 f 0 9 c 1 7 b e 5 2', 'a3f09c17be52')).toBe(true)
  expect(givesAway('All fine.', 'x y z', 'a3f09c17be52')).toBe(false)
})
