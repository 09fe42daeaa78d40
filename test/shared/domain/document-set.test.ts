import { expect, test } from 'vitest'
import { nextTime } from '#shared/domain/cron.ts'
import { expectedEnd } from '#shared/domain/document-set.ts'
import { resolveSchema, schemaProblems } from '#shared/domain/extract-schema.ts'

const at = (time: string) => new Date(`2026-11-21T${time}.000Z`)
const progress = (done: number, total: number) => ({ done, failed: 0, cancelled: 0, parked: 0, total })

test('nobody says when a set will be done before some documents are', () => {
  expect(expectedEnd(at('12:00:00'), progress(0, 100), at('12:10:00'))).toBeUndefined()
  expect(expectedEnd(at('12:00:00'), progress(4, 100), at('12:10:00'))).toBeUndefined()
  expect(expectedEnd(at('12:00:00'), progress(25, 100), at('12:10:00'))).toEqual(at('12:40:00'))
  expect(expectedEnd(at('12:00:00'), progress(100, 100), at('12:10:00'))).toBeUndefined()
  // A clock that went back says nothing.
  expect(expectedEnd(at('12:00:00'), progress(25, 100), at('11:00:00'))).toBeUndefined()
})

test('two o’clock is two o’clock on the clocks of the place, and comes once in the nights that change them', () => {
  const next = (after: string) => nextTime('0 2 * * *', 'Europe/Berlin', new Date(after)).toISOString()
  expect(next('2026-07-01T12:00:00Z')).toBe('2026-07-02T00:00:00.000Z')
  expect(next('2026-12-01T12:00:00Z')).toBe('2026-12-02T01:00:00.000Z')
  const back = next('2026-10-24T12:00:00Z')
  expect(new Date(next(back)).getTime() - new Date(back).getTime()).toBeGreaterThan(20 * 3_600_000)
  const forth = next('2026-03-28T12:00:00Z')
  expect(new Date(forth) > new Date('2026-03-28T20:00:00Z')).toBe(true)
  expect(new Date(next(forth)).getTime() - new Date(forth).getTime()).toBeGreaterThan(20 * 3_600_000)
})

test('a schema is resolved once and then says what does not fit', () => {
  const schema = resolveSchema({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: { a: { $ref: '#/$defs/n' }, b: { type: 'array', items: { $ref: '#/$defs/n' }, maxItems: 1 } },
    required: ['a'],
    $defs: { n: { type: 'integer', minimum: 1 } },
  })
  expect(schema).not.toHaveProperty('$defs')
  expect(schemaProblems(schema, { a: 1, b: [2] })).toEqual([])
  expect(schemaProblems(schema, { a: 0, b: [2, 3] })).toEqual(['/a must be >= 1', '/b must NOT have more than 1 items'])
  expect(resolveSchema(schema as never)).toEqual(schema)
})
