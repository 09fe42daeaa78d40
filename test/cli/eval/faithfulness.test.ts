import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evalFaithfulness } from '#cli/eval/faithfulness.ts'
import { readJudged } from '#cli/eval/faithfulness-data.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'answerline-faith-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, rows: readonly object[]) => {
  const file = join(folder, name)
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'))
  return file
}
const SOURCE = { id: 'd1', title: 'Billing', text: 'Invoices are sent on the 3rd of each month. The Hub plan costs $12 a month.' }

test('reads the three formats, and takes the customer’s turns as evidence, not the assistant’s', () => {
  const docs = write('docs.jsonl', [SOURCE])
  const data = write('rows.jsonl', [
    { claim: 'a', evidence: ['x', 'y'], label: 'partially_supported' },
    { claim: 'b', doc: 'd1', consistent: 1 },
    {
      answer: 'c',
      contexts: ['d1'],
      history: [
        { r: 'user', t: 'hello' },
        { r: 'agent', t: 'invented' },
      ],
      question: 'why?',
      faith_median: 2.5,
    },
  ])
  const rows = readJudged(data, [docs])
  expect(rows.map(({ faithful }) => faithful)).toEqual([false, true, false])
  expect(rows[0]!.passages.map(({ text }) => text)).toEqual(['x\ny'])
  expect(rows[2]).toMatchObject({ asked: 'hello\nwhy?', passages: [{ title: 'Billing' }] })
})

test('ranks what stands in the source above what does not, and counts the hard checks', async () => {
  const data = write('judged.jsonl', [
    { claim: 'Invoices are sent on the 3rd of each month.', doc: 'd1', consistent: 1 },
    { claim: 'The Hub plan costs $12 a month.', doc: 'd1', consistent: 1 },
    { claim: 'The Hub plan costs $19 a month.', doc: 'd1', consistent: 0 },
    { claim: 'Refunds take two business days after the warehouse has scanned the parcel.', doc: 'd1', consistent: 0 },
  ])
  const report = await evalFaithfulness({ data, docs: [write('docs.jsonl', [SOURCE])] }, () => {})
  expect(report).toMatchObject({ suite: 'faithfulness', n: 4, metrics: { auc: 1, hardChecks: { onFaithful: 0 } } })
  expect(report.metrics.hardChecks.onUnfaithful).toBeGreaterThan(0)
})

test('says which line is wrong, and which document is missing', () => {
  expect(() => readJudged(write('none.jsonl', [{ text: 'x' }]), [])).toThrow(/none\.jsonl:1: .*claim/)
  expect(() => readJudged(write('bare.jsonl', [{ claim: 'x' }]), [])).toThrow(/bare\.jsonl:1: needs evidence/)
  expect(() => readJudged(write('lost.jsonl', [{ claim: 'x', doc: 'nowhere', consistent: 1 }]), [])).toThrow(/"nowhere"/)
})

test('takes documents in sections, too, and names the line of one that is none', () => {
  const docs = write('sections.jsonl', [
    { id: 'd2', title: 'Hub', sections: [{ h: 'Plans', l: 2, t: 'Twelve dollars a month.', sym: false }] },
  ])
  const data = write('in-sections.jsonl', [{ claim: 'b', doc: 'd2', consistent: 1 }])
  expect(readJudged(data, [docs])[0]!.passages[0]!.text).toBe('Plans\nTwelve dollars a month.')
  expect(() => readJudged(data, [write('broken-docs.jsonl', [SOURCE, { id: 'd3' }])])).toThrow(
    'broken-docs.jsonl:2: a document needs',
  )
})
