import { expect, test } from 'vitest'
import type { SourceDocument } from '#shared/domain/document.ts'
import { parseText } from '#workers/logic/parse-markdown.ts'

const document = (text: string, change: Partial<SourceDocument> = {}): SourceDocument => ({
  id: 'kb-1',
  tenantId: 'acme',
  title: '',
  text,
  contentType: 'text/markdown',
  audience: 'public',
  contentHash: 'h',
  ...change,
})

test('reads front matter and takes it off', () => {
  const parsed = parseText(
    document(
      '\uFEFF---\r\ntitle: Reset: a guide\r\nurl: https://example.com/a\r\nproduct: hub\r\nlanguage: en\r\nupdated: 2026-05-12\r\n---\r\n\r\nHold it.\r\n'.replace(
        'Reset: a guide',
        '"Reset: a guide"',
      ),
    ),
  )
  expect(parsed).toEqual({
    title: 'Reset: a guide',
    text: '\nHold it.\n',
    structure: 'markdown',
    audience: 'public',
    url: 'https://example.com/a',
    product: 'hub',
    language: 'en',
    modifiedAt: '2026-05-12T00:00:00.000Z',
  })
})

test('what the producer said wins, save that a file may narrow its audience and never widen it', () => {
  const text = '---\ntitle: Theirs\nproduct: theirs\naudience: internal\n---\nx'
  expect(parseText(document(text, { title: 'Ours', product: 'ours' }))).toMatchObject({
    title: 'Ours',
    product: 'ours',
    audience: 'internal',
  })
  expect(parseText(document('---\naudience: public\n---\nx', { audience: 'enterprise' })).audience).toBe('enterprise')
})

test('finds a title where none was given', () => {
  expect(parseText(document('intro\n\n# The *title* #\n\ntext')).title).toBe('The *title*')
  expect(parseText(document('\n\n  First line\nsecond', { contentType: 'text/plain' })).title).toBe('First line')
  expect(parseText(document('## only a sub-heading')).title).toBe('kb-1')
})

test('a rule at the top is no front matter, broken YAML is refused, odd values are ignored', () => {
  expect(parseText(document('---\n\ntext without end')).text).toBe('---\n\ntext without end')
  expect(parseText(document('--- x\na: 1\n---\ntext')).text).toBe('--- x\na: 1\n---\ntext')
  expect(() => parseText(document('---\na: [1\n---\ntext'))).toThrow(/^front matter: /)
  expect(parseText(document('---\nurl: not a url\naudience: everyone\nupdated: soon\n---\ntext'))).toMatchObject({
    text: 'text',
    audience: 'public',
  })
  const bomb = `---\na: &a [1,1]\nb: &b [*a,*a]\nc: [*b,*b]\n---\ntext`
  expect(() => parseText(document(bomb))).toThrow(/^front matter: /)
})
