import { expect, test } from 'vitest'
import { synonymsIn } from '#shared/text/expand-query.ts'

const GROUPS = [
  ['VPN', 'virtual private network'],
  ['hub', 'base station', 'gateway'],
]

test('adds what a query may also be called, in any inflection, and nothing that it says already', () => {
  expect(synonymsIn('My vpn drops', GROUPS)).toEqual(['virtual private network'])
  expect(synonymsIn('Virtual private networks are slow', GROUPS)).toEqual(['VPN'])
  expect(synonymsIn('Do hubs need a gateway?', GROUPS)).toEqual(['base station'])
  expect(synonymsIn('A private network that is virtual', GROUPS)).toEqual([])
  expect(synonymsIn('invoice', GROUPS)).toEqual([])
  expect(synonymsIn('the vpn', [])).toEqual([])
})

test('a member of stop words or signs alone matches nothing, and a letter is not made longer without end', () => {
  expect(
    synonymsIn('what is the and of', [
      ['the', 'router'],
      ['!!', 'modem'],
    ]),
  ).toEqual([])
  const many = Array.from({ length: 100 }, (_, i) => [`word${i}`, `other${i}`])
  expect(synonymsIn(many.map(([word]) => word).join(' '), many).length).toBeLessThanOrEqual(12)
})
