import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evalPii } from '#cli/eval/pii.ts'
import { readTagged } from '#cli/eval/pii-data.ts'
import { piiMetrics } from '#cli/eval/pii-metrics.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'answerline-pii-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const write = (...rows: readonly unknown[]) => {
  const file = join(folder, 'rows.jsonl')
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'))
  return file
}

test('counts by token, by exact span and by what is covered, as calculated by hand', () => {
  const metrics = piiMetrics([
    // "Ann Lee Ray": two of three tokens of the name found; "Ohio" taken for a name.
    {
      text: 'Ann Lee Ray in Ohio',
      gold: [
        { type: 'PERSON', start: 0, end: 11 },
        { type: 'GPE', start: 15, end: 19 },
      ],
      found: [
        { type: 'PERSON', start: 0, end: 7 },
        { type: 'PERSON', start: 15, end: 19 },
      ],
    },
    { text: 'my age', gold: [], found: [{ type: 'AGE', start: 3, end: 6 }] },
    { text: 'no', gold: [], found: [] },
  ])
  // Right: Ann, Lee. Found: Ann, Lee, Ohio, age. Gold: Ann, Lee, Ray, Ohio.
  expect(metrics).toMatchObject({ precision: 0.5, recall: 0.5, f1: 0.5, exact: { precision: 0, recall: 0 } })
  expect(metrics.byType.PERSON).toMatchObject({ precision: 2 / 3, recall: 2 / 3 })
  // 7 of 11 characters of the name are under four fifths; Ohio is covered, as whatever.
  expect(metrics).toMatchObject({ maskedRecall: 0.5, textsWithout: 2, overMasked: 0.5 })
})

test('offsets in a file are code points', () => {
  const [row] = readTagged(write({ text: '😀 I am Zoë', spans: [{ type: 'PERSON', start: 7, end: 10 }] }))
  const { start, end } = row!.spans[0]!
  expect(row!.text.slice(start, end)).toBe('Zoë')
})

test.each([
  [{ text: 'x', spans: [{ type: 'COLOUR', start: 0, end: 1 }] }, 'unknown type "COLOUR"'],
  [{ text: 'x', spans: [{ type: 'PERSON', start: 0, end: 9 }] }, 'ends behind its text'],
  [{ text: 7, spans: [] }, 'rows.jsonl:1'],
])('refuses %j', (row, message) => {
  expect(() => readTagged(write(row))).toThrow(message)
})

test('the suite reports what ships, on messages that were held out', () => {
  const report = evalPii({ data: join(import.meta.dirname, '../../data/pii/test-messages.jsonl') }, () => {})
  expect(report).toMatchObject({ suite: 'pii', n: 65 })
  expect(report.metrics.maskedRecall).toBeGreaterThan(0.8)
  for (const type of ['EMAIL_ADDRESS', 'US_SSN', 'IP_ADDRESS', 'IBAN_CODE'])
    expect(report.metrics.byType[type]?.f1, type).toBeGreaterThan(0.9)
})
