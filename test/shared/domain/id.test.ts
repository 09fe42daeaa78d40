import { expect, test } from 'vitest'
import { derivedId, newId } from '#shared/domain/id.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'

const AT = new Date('2026-11-21T12:00:00.000Z')

test('a new id says its kind, and is safe in a job id, an address and a file name', () => {
  expect(newId('run', AT, () => 0.5)).toMatch(/^run_[0-9a-hjkmnp-tv-z]{26}$/)
  expect(newId('run', AT, () => 0)).toHaveLength(30)
  expect(newId('run', AT, () => 0.999_999_999)).toHaveLength(30)
})

test('ids that were made later sort later, over all time that there will be', () => {
  const { random } = steadyClock()
  const times = [0, 1, 31, 32, 1_023, 1_024, 1.7e12, 1.7e12 + 1, AT.getTime(), 4e12, 8.64e15 / 8]
  const ids = times.map((ms) => newId('tkt', new Date(ms), random))
  expect([...ids].sort()).toEqual(ids)
})

test('100,000 ids of one millisecond are all different', () => {
  const { random } = steadyClock()
  expect(new Set(Array.from({ length: 100_000 }, () => newId('msg', AT, random))).size).toBe(100_000)
})

test('a derived id is always the same for the same name, here and in every later version', () => {
  expect(derivedId('msg', 'run_1')).toBe(derivedId('msg', 'run_1'))
  // Written down: an effect that is repeated after an update must meet its first id.
  expect(derivedId('msg', 'run_1')).toBe('msg_rz2sqj5tfef9124d0h4cxnbwy3')
})

test('other names and other ways to cut them give other ids', () => {
  const names = [['a', 'b'], ['ab'], ['a', 'b', ''], ['', 'ab'], ['a,b'], ['a"', 'b'], ['b', 'a'], []]
  const ids = names.map((name) => derivedId('esc', ...name))
  expect(new Set(ids).size).toBe(names.length)
  expect(derivedId('dl', 'a')).not.toBe(derivedId('run', 'a'))
  for (const id of ids) expect(id).toMatch(/^esc_[0-9a-hjkmnp-tv-z]{26}$/)
})
