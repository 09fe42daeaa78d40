import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { evalCache } from '#cli/eval/cache.ts'

const folder = mkdtempSync(join(tmpdir(), 'cache-eval-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, rows: readonly (object | string)[]) => {
  const path = join(folder, name)
  writeFileSync(path, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'))
  return path
}
const SAME = { a: 'How do I delete all my mail?', b: 'How can I delete all of my mail?', dup: 1 }
const POLITE = { a: 'How do I reset the hub?', b: 'Please, how do I reset the hub?', dup: true }
const OTHER = { a: 'How do I delete all my mail?', b: 'How much is the delivery of a lamp?', dup: 0 }
const DENIED = { a: 'Do delete all my mail', b: "Don't delete all my mail", dup: false }

describe('the suite cache', () => {
  test('counts hits on duplicates and on others, guards included, and leaves undecided pairs out', () => {
    const report = evalCache({ data: file('all.jsonl', [SAME, POLITE, OTHER, DENIED, { ...SAME, dup: null }]) }, () => {})
    expect(report).toMatchObject({
      suite: 'cache',
      n: 4,
      metrics: { hitRate: 1, falseHitRate: 0, duplicates: 2, nonDuplicates: 2 },
    })
    expect(report.metrics.startOfATenant).toMatchObject({ hitRate: 0.5, falseHitRate: 0 })
    expect(report.latencyMs.p99).toBeGreaterThan(0)
  })
  test('chooses a threshold for each source on the training pairs, and reports it', () => {
    const train = file('train.jsonl', [
      { ...OTHER, src: 'x' },
      { ...SAME, dup: 0, src: 'x' },
      { ...OTHER, src: 'y' },
    ])
    const report = evalCache(
      {
        data: file('data.jsonl', [
          { ...SAME, src: 'x' },
          { ...SAME, src: 'y' },
        ]),
        train,
      },
      () => {},
    )
    const { thresholds } = report.config as { thresholds: Record<string, number> }
    expect(thresholds['x']).toBeGreaterThan(thresholds['y']!)
    expect(report.metrics.bySource).toMatchObject({ x: { hitRate: 0 }, y: { hitRate: 1 } })
  })
  test('names the line that it cannot read', () => {
    const path = file('broken.jsonl', [SAME, '{"a": 1}'])
    expect(() => evalCache({ data: path }, () => {})).toThrow('broken.jsonl, line 2')
  })
  const pairs = join(import.meta.dirname, '../../../../shared/data/dup_pairs/dev.jsonl')
  test.skipIf(!existsSync(pairs))('keeps its figures on the public pairs (needs ../shared)', () => {
    // In sample; the cross-validated figures are printed by cli/eval/train-cache-similarity.ts.
    const { stackfaq_para, stsb } = evalCache({ data: pairs, train: pairs }, () => {}).metrics.bySource
    expect(stackfaq_para!.hitRate).toBeGreaterThanOrEqual(0.75)
    expect(stackfaq_para!.falseHitRate).toBeLessThanOrEqual(0.015)
    expect(stsb!.hitRate).toBeGreaterThanOrEqual(0.3)
    expect(stsb!.falseHitRate).toBeLessThanOrEqual(0.015)
  })
})
