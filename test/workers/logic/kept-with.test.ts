import { expect, test } from 'vitest'
import { keptWith } from '#workers/logic/kept-with.ts'

test('an object is read once, whoever asks', () => {
  let times = 0
  const lengthOf = keptWith(({ text }: { text: string }) => ({ length: text.length, time: ++times }))
  const one = { text: 'four' }
  expect(lengthOf(one)).toBe(lengthOf(one))
  expect(lengthOf({ text: 'four' })).toEqual({ length: 4, time: 2 })
})

test('a copy, a comparison and JSON know nothing of the reading', () => {
  const shout = keptWith(({ text }: { text: string }) => text.toUpperCase())
  const one = { text: 'four' }
  expect(shout(one)).toBe('FOUR')
  expect(shout({ ...one, text: 'five' })).toBe('FIVE')
  expect(one).toStrictEqual({ text: 'four' })
  expect(JSON.stringify(one)).toBe('{"text":"four"}')
  expect(structuredClone(one)).toStrictEqual({ text: 'four' })
})

test('two readings of one object are kept apart', () => {
  const first = keptWith(({ text }: { text: string }) => text[0])
  const last = keptWith(({ text }: { text: string }) => text.at(-1))
  const one = { text: 'abc' }
  expect([first(one), last(one), first(one)]).toEqual(['a', 'c', 'a'])
})

test('what cannot be written to is read each time', () => {
  let times = 0
  const count = keptWith((_: object) => ++times)
  const frozen = Object.freeze({})
  expect([count(frozen), count(frozen)]).toEqual([1, 2])
})
