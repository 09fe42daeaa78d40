import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evalIntent } from '#cli/eval/intent.ts'
import { intentMetrics, macroF1, matthews, wilson95 } from '#cli/eval/intent-metrics.ts'

const things = ['parcel', 'card', 'invoice', 'password', 'refund', 'mattress', 'router', 'ticket']
const fresh = ['phone', 'sofa', 'licence', 'helmet']
const strange = [
  'tell me a joke',
  'who won the match',
  'sing a song',
  'what is the capital of peru',
  'is it raining',
  'how are you',
]
type Line = { text: string; intent: string; id?: string; bot?: string; split?: string; extra?: number }
const cancel = (thing: string): Line => ({ text: `please cancel my ${thing}, I do not want it`, intent: 'cancel' })
const track = (thing: string): Line => ({ text: `where is my ${thing}? it has not arrived`, intent: 'track' })
const out = (text: string, intent = 'oos'): Line => ({ text, intent })
const trainLines = [...things.map(cancel), ...things.map(track), ...strange.map((text) => out(text))]

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'answerline-intent-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function file(name: string, lines: readonly (Line | string)[]): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n') + '\n')
  return path
}

describe('answerline eval intent', () => {
  test('reports every figure of the contract, with out of scope in any spelling', async () => {
    const train = await file('train.jsonl', trainLines)
    const data = await file('data.jsonl', [
      ...fresh.map(cancel),
      ...fresh.map((thing) => ({ ...track(thing), extra: 1 })),
      out('zxqv brmpf', 'NO_NODES_DETECTED'),
      out('sing a song about the match', 'OOS'),
    ])
    const seen: [number, number][] = []
    const report = await evalIntent({ train, data }, (done, total) => seen.push([done, total]))
    expect(report).toMatchObject({ suite: 'intent', n: 10, config: { trainExamples: 22, trainOutOfScope: 6 } })
    expect(report.metrics).toMatchObject({
      accuracy: 1,
      inScopeAccuracy: 1,
      bestIntentAccuracy: 1,
      oosRecall: 1,
      macroF1: 1,
      mcc: 1,
    })
    expect(report.metrics.handedOver).toBeCloseTo(0.2)
    expect(Object.keys(report.metrics.precisionAtCoverage)).toEqual(['50', '70', '80', '90', '100'])
    expect(report.metrics.precisionAtCoverage).toMatchObject({ '80': 1, '100': 0.8 })
    expect(report.metrics).not.toHaveProperty('byBot')
    expect(report.latencyMs.p50).toBeGreaterThan(0)
    expect(report.latencyMs.p99).toBeGreaterThanOrEqual(report.latencyMs.p50)
    expect(seen.at(-1)).toEqual([10, 10])
  })

  test('parts one file by its split fields', async () => {
    const both = await file('both.jsonl', [
      ...trainLines.map((line) => ({ ...line, split: 'train' })),
      ...fresh.map((thing) => ({ ...cancel(thing), split: 'val' })),
    ])
    const report = await evalIntent({ train: both, data: both })
    expect(report).toMatchObject({ n: 4, metrics: { accuracy: 1 }, config: { trainExamples: 22 } })
  })

  test('trains one classifier a bot, so that one word may mean two things', async () => {
    const shop = trainLines.map((line) => ({ ...line, bot: 'shop' }))
    const desk = trainLines.map((line) => ({
      ...line,
      bot: 'desk',
      intent: line.intent === 'oos' ? 'oos' : `desk ${line.intent}`,
    }))
    const train = await file('bots.jsonl', [...shop, ...desk])
    const data = await file('bots-data.jsonl', [
      { ...cancel('phone'), bot: 'shop' },
      { ...cancel('phone'), bot: 'desk', intent: 'desk cancel' },
      { ...track('sofa'), bot: 'desk', intent: 'desk track' },
    ])
    const report = await evalIntent({ train, data })
    expect(report.metrics).toMatchObject({ accuracy: 1, byBot: { shop: { n: 1, accuracy: 1 }, desk: { n: 2, accuracy: 1 } } })
    const shopOnly = await evalIntent({ train, data, bot: 'shop' })
    expect(shopOnly).toMatchObject({ n: 1, config: { bot: 'shop', trainExamples: 22 } })
  })

  test('leaves measured rows out of training', async () => {
    const rows = trainLines.map((line, at) => ({ ...line, id: `row-${at}` }))
    const train = await file('overlap-train.jsonl', rows)
    const data = await file('overlap-data.jsonl', rows.slice(0, 3))
    expect(await evalIntent({ train, data })).toMatchObject({ n: 3, config: { trainExamples: 19 } })
  })

  test('without any out-of-scope row a hand-over is no label: the best intent is judged', async () => {
    const train = await file('closed-train.jsonl', [...things.map(cancel), ...things.map(track)])
    const data = await file('closed-data.jsonl', [cancel('phone'), { text: 'cancel zxqv brmpf klonk wmpf', intent: 'cancel' }])
    const report = await evalIntent({ train, data })
    expect(report.metrics).toMatchObject({ accuracy: 1, inScopeAccuracy: 1, oosRecall: null, oosPrecision: null })
  })

  test('says which file and line it cannot use', async () => {
    const good = await file('good.jsonl', trainLines)
    const broken = await file('broken.jsonl', [trainLines[0]!, '{"text": "no intent"}'])
    const torn = await file('torn.jsonl', ['{"text": '])
    const empty = await file('empty.jsonl', [])
    await expect(evalIntent({ train: '', data: good })).rejects.toThrow('--train FILE')
    await expect(evalIntent({ train: good, data: '' })).rejects.toThrow('--data FILE')
    await expect(evalIntent({ train: broken, data: good })).rejects.toThrow('broken.jsonl:2: intent')
    await expect(evalIntent({ train: good, data: torn })).rejects.toThrow('torn.jsonl:1: not JSON')
    await expect(evalIntent({ train: empty, data: good })).rejects.toThrow('no training example')
    await expect(evalIntent({ train: good, data: empty })).rejects.toThrow('no row to measure')
    await expect(evalIntent({ train: good, data: good })).rejects.toThrow('do not part it')
    await expect(evalIntent({ train: good, data: good, bot: 'nobody' })).rejects.toThrow('nobody')
    await expect(evalIntent({ train: join(folder, 'absent.jsonl'), data: good })).rejects.toThrow('absent.jsonl')
  })
})

describe('the figures', () => {
  const rows = [
    { gold: 'a', given: 'a', best: 'a', confidence: 0.9 },
    { gold: 'a', given: 'b', best: 'b', confidence: 0.8 },
    { gold: 'b', given: '', best: 'b', confidence: 0.3 },
    { gold: '', given: '', best: 'a', confidence: 0.2 },
    { gold: '', given: 'a', best: 'a', confidence: 0.7 },
  ]

  test('count as one counts by hand', () => {
    const metrics = intentMetrics(rows, 2)
    expect(metrics).toMatchObject({ accuracy: 0.4, oosRecall: 0.5, oosPrecision: 0.5, handedOver: 0.4 })
    expect(metrics.inScopeAccuracy).toBeCloseTo(1 / 3)
    expect(metrics.bestIntentAccuracy).toBeCloseTo(2 / 3)
    expect(metrics.precisionAtCoverage['100']).toBeCloseTo(2 / 5)
    expect(metrics.precisionAtCoverage['50']).toBeCloseTo(1 / 3)
    expect(macroF1(rows)).toBeCloseTo((0.5 + 0 + 0.5) / 3)
    expect(matthews(rows)).toBeCloseTo((2 * 5 - (2 * 2 + 1 * 1 + 2 * 2)) / Math.sqrt((25 - 9) * (25 - 9)))
  })

  test('Matthews agrees with the two-class formula and is 0 where undefined', () => {
    const pairs = (count: number, gold: string, given: string) => Array.from({ length: count }, () => ({ gold, given }))
    const table = [...pairs(6, 'y', 'y'), ...pairs(2, 'y', 'n'), ...pairs(1, 'n', 'y'), ...pairs(3, 'n', 'n')]
    expect(matthews(table)).toBeCloseTo((6 * 3 - 1 * 2) / Math.sqrt(7 * 8 * 4 * 5))
    expect(matthews(pairs(4, 'y', 'y'))).toBe(0)
  })

  test('Wilson\u2019s interval holds the published value and no row is an error', () => {
    const [low, high] = wilson95(81, 263)
    expect(low).toBeCloseTo(0.2553, 3)
    expect(high).toBeCloseTo(0.3662, 3)
    expect(() => intentMetrics([], 0)).toThrow(RangeError)
  })
})
