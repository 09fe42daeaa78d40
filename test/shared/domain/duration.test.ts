import { expect, test } from 'vitest'
import { type Duration, durationMs } from '#shared/domain/duration.ts'

test.each([
  ['0s', 0],
  ['200ms', 200],
  ['15s', 15_000],
  ['1.5s', 1_500],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['3d', 259_200_000],
] as const)('%s is %d milliseconds', (duration, ms) => {
  expect(durationMs(duration)).toBe(ms)
})

test.each(['', '5', 's', '5 s', '-5s', '1e3s', '5S', '5sec', '5s5', '.5s', '5.s', 'NaNs', 'Infinitys', '0x5s', '5s\n', '５s'])(
  '%j is refused, never taken for 0',
  (duration) => {
    expect(() => durationMs(duration as Duration)).toThrow(TypeError)
  },
)

test('a wrong unit is a type error', () => {
  // @ts-expect-error there is no such unit
  expect(() => durationMs('5w')).toThrow(/not a duration/)
})
