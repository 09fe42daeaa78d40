import { expect, test } from 'vitest'
import { lookOf, looksLikeHtml, settleType, typeOfFileName } from '#shared/text/document-type.ts'
import { sampleDocx, samplePdf, zipOf } from '#test/fakes/sample-files.ts'

const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
const COMPOUND = Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 0])
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a])

test('content is known by its first bytes', async () => {
  expect(lookOf(await samplePdf([{ heading: 'a', lines: [] }]))).toBe('application/pdf')
  expect(lookOf(await sampleDocx())).toBe(DOCX)
  expect(lookOf(zipOf([]))).toBe('zip')
  expect(lookOf(COMPOUND)).toBe('office-binary')
  expect(lookOf(PNG)).toBe('binary')
  expect(lookOf(Buffer.from('a\u0000b'))).toBe('binary')
  expect(lookOf(Buffer.from('\uFEFF  <!DOCTYPE HTML><title>x'))).toBe('text/html')
  expect(lookOf(Buffer.from('\uFEFF# Hallo', 'utf16le'))).toBe('text')
  expect(lookOf(Buffer.from('# A <b>bold</b> title'))).toBe('text')
  expect(lookOf(Buffer.from('About %PDF-1.7 files'))).toBe('text')
  expect(lookOf(Buffer.alloc(0))).toBe('text')
})

test.each([
  ['text', undefined, { type: 'text/markdown' }],
  ['text', 'text/html', { type: 'text/html' }],
  ['text/html', undefined, { type: 'text/html' }],
  ['text/html', 'text/plain', { type: 'text/plain' }],
  ['application/pdf', 'application/pdf', { type: 'application/pdf' }],
  ['application/pdf', 'text/markdown', { code: 'document-type-mismatch' }],
  ['text', 'application/pdf', { code: 'document-type-mismatch' }],
  ['text/html', 'text/markdown', { code: 'document-type-mismatch' }],
  ['zip', DOCX, { code: 'document-type-mismatch' }],
  ['binary', 'text/plain', { code: 'document-type-mismatch' }],
  ['zip', undefined, { code: 'document-type-unsupported' }],
  ['binary', undefined, { code: 'document-type-unsupported' }],
  ['office-binary', undefined, { code: 'document-type-unsupported' }],
  ['office-binary', DOCX, { code: 'document-encrypted' }],
] as const)('what looks like %s and is called %s is settled', (look, declared, outcome) => {
  expect(settleType(look, declared)).toMatchObject(outcome)
})

test('file names tell a type by their ending only', () => {
  expect(typeOfFileName('a/b/Manual.PDF')).toBe('application/pdf')
  expect(typeOfFileName('notes.markdown')).toBe('text/markdown')
  expect(typeOfFileName('pdf')).toBeUndefined()
  expect(typeOfFileName('x.pdf.exe')).toBeUndefined()
})

test('looking for HTML takes linear time on hostile openings', () => {
  const startedAt = performance.now()
  for (const text of [`${' '.repeat(100_000)}x`, '<!--'.repeat(50_000), '<?xml '.repeat(50_000), '<!-- -->'.repeat(50_000)])
    expect(looksLikeHtml(text)).toBe(false)
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})
