import { expect, test } from 'vitest'
import { DocumentInput } from '#shared/domain/document.ts'

const trouble = (input: unknown) => DocumentInput.safeParse(input).error?.issues[0]?.path.join('.')

test('a text is enough, for everybody; so are bytes, but not both and not neither', () => {
  expect(DocumentInput.parse({ text: '# Hello' })).toEqual({ text: '# Hello', audience: 'public' })
  expect(DocumentInput.parse({ base64: 'JVBERg==' })).toEqual({ base64: 'JVBERg==', audience: 'public' })
  expect(DocumentInput.safeParse({ text: 'x', base64: 'JVBERg==' }).success).toBe(false)
  expect(DocumentInput.safeParse({}).success).toBe(false)
})

test.each([
  ['text', ''],
  ['text', ' \n\t'],
  ['text', 'a\u0000b'],
  ['text', '\ud800'],
  ['text', 'x'.repeat(5_000_001)],
  ['id', 'a/b'],
  ['id', ''],
  ['id', 'x'.repeat(201)],
  ['title', '\ud800'],
  ['contentType', 'application/x-sh'],
  ['chunking.strategy', { strategy: 'random' }],
  ['chunking.maxTokens', { maxTokens: 10 }],
  ['url', 'not an address'],
  ['audience', 'everybody'],
  ['language', 'english'],
  ['modifiedAt', 'yesterday'],
  ['modifiedAt', '2026-11-21'],
  ['metadata.deep', { deep: {} }],
  ['metadata.a\u0000', { 'a\u0000': 1 }],
])('a wrong field is refused by its name: %s', (path, value) => {
  expect(trouble({ text: 'x', [path.split('.')[0]!]: value })).toBe(path)
})

test('a field that nobody knows is refused', () => {
  expect(DocumentInput.safeParse({ text: 'x', audiance: 'internal' }).success).toBe(false)
})

test('moments with an offset are taken, and the largest text, too', () => {
  expect(trouble({ text: 'x', modifiedAt: '2026-11-21T12:00:00+01:00' })).toBeUndefined()
  expect(trouble({ text: 'x'.repeat(5_000_000) })).toBeUndefined()
})
