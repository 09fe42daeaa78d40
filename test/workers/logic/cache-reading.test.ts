import { expect, test } from 'vitest'
import { readForCache, wordsOf } from '#workers/logic/cache-reading.ts'

test('words that every object has are words like any other', () => {
  const text = 'constructor toString __proto__ hasOwnProperty valueOf'
  expect(wordsOf(text)).toEqual(expect.arrayContaining(['constructor', 'tostring', 'hasownproperty', 'valueof']))
  expect(readForCache(text).words.every((word) => typeof word === 'string')).toBe(true)
})

test('contractions are written out, the irregular ones, too', () => {
  expect(wordsOf("I can’t, won't and cannot; it's what they'll say")).toEqual(
    'i can not will not and can not it is what they will say'.split(' '),
  )
})
