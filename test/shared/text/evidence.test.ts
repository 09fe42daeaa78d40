import { expect, test } from 'vitest'
import { evidenceFor } from '#shared/text/evidence.ts'
import { coverage, weighTerms } from '#shared/text/term-coverage.ts'
import { contentTerms } from '#shared/text/tokenize.ts'

const terms = (text: string) => new Set(contentTerms(text))

test('a passage that holds every word of the question is full evidence, one that holds none is none', () => {
  expect(evidenceFor('Which battery does the Breeze use?', [terms('The Breeze uses a CR2450 battery. Use no other.')])).toBe(1)
  expect(evidenceFor('Which battery does the Breeze use?', [terms('Invoices are monthly.')])).toBe(0)
  expect(evidenceFor('anything', [])).toBe(0)
  expect(evidenceFor('', [terms('text')])).toBe(0)
})

test('it is the best single passage that counts, not the sum of their words', () => {
  const halves = [terms('battery of something'), terms('breeze of something')]
  expect(evidenceFor('breeze battery price', halves)).toBeCloseTo(1 / 3)
})

test('one word in common proves little, a code more, and a long story need not match word for word', () => {
  expect(evidenceFor('help', [terms('help pages')])).toBeLessThan(0.4)
  expect(evidenceFor('LK-501', [terms('LK-501 means too many passwords')])).toBe(1)
  const story = `My router password reset fails. ${Array.from({ length: 60 }, (_, i) => `story${'abcdefghij'[i % 10]}${'klmnop'[i % 6]}`).join(' ')}`
  expect(evidenceFor(story, [terms('router password reset fails because the router light failed')])).toBeGreaterThan(0.3)
})

test('terms weigh by their rarity among the candidates, identifiers double', () => {
  const texts = [terms('hub clock'), terms('hub light'), terms('hub lk-204')]
  const weights = weighTerms('hub clock LK-204', texts)
  expect(weights.get('clock')!).toBeGreaterThan(weights.get('hub')!)
  expect(weights.get('lk-204')!).toBeCloseTo(2 * weights.get('clock')!)
  expect(coverage(weights, terms('hub clock lk-204 lk 204'))).toBe(1)
  expect(coverage(new Map(), terms('hub'))).toBe(0)
})
