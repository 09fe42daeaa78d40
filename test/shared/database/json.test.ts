import { expect, test } from 'vitest'
import { openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { toJson, toText } from '#shared/database/json.ts'

const NUL = '\u0000'
const LONE = '\ud800'

const HOSTILE: readonly (readonly [string, unknown, unknown])[] = [
  ['NUL in a value', { a: `x${NUL}y` }, { a: 'x\uFFFDy' }],
  ['a lone surrogate in a value', { a: ['ok', `${LONE}!`, '\udc00'] }, { a: ['ok', '\uFFFD!', '\uFFFD'] }],
  ['NUL and lone surrogates in names', { [`n${NUL}`]: { [LONE]: 1 } }, { 'n\uFFFD': { '\uFFFD': 1 } }],
  ['a pair of surrogates', { a: '🙂' }, { a: '🙂' }],
  ['text that only looks like an escape', { a: '\\u0000 \\ud800' }, { a: '\\u0000 \\ud800' }],
  ['both kinds side by side', { a: '\\u0000', b: NUL }, { a: '\\u0000', b: '\uFFFD' }],
  [
    'dates, numbers, null and missing',
    { a: new Date(0), b: 1.5, c: null, d: undefined, e: NUL },
    { a: '1970-01-01T00:00:00.000Z', b: 1.5, c: null, e: '\uFFFD' },
  ],
]

test('well-formed values are written as JSON.stringify writes them', () => {
  const value = { a: [1, 'zwei', null, { b: true }], d: new Date(5) }
  expect(toJson(value)).toBe(JSON.stringify(value))
})

test('text for a text column keeps everything but NUL and lone surrogates', () => {
  expect(toText(`a${NUL}b${LONE}c🙂`)).toBe('a\uFFFDb\uFFFDc🙂')
})

test('the database takes it and reads it back', async () => {
  const engine = await openPgliteInMemory()
  for (const [what, value, expected] of HOSTILE) {
    expect(await engine.query('SELECT $1::jsonb AS value', [toJson(value)]), what).toEqual([{ value: expected }])
  }
  await engine.close()
})
