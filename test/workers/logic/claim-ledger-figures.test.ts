import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Passage } from '#shared/domain/passage.ts'
import { readableRow, splitSentences } from '#shared/text/sentences.ts'
import { checkClaim } from '#workers/logic/check-claim.ts'
import { REWRITES } from './ledger-rewrites.ts'
import { pick, randomFrom, SWAPS } from './ledger-swaps.ts'

const articles = join(import.meta.dirname, '../../../demo/articles')
const ratings = join(import.meta.dirname, '../../../../shared/data/mtrag_human_eval/dev.jsonl')
const sources = join(import.meta.dirname, '../../../../shared/data/mtrag_un/docs.jsonl')

const passageOf = (id: string, title: string, text: string, n = 1): Passage => ({
  n,
  chunkId: id,
  documentId: id,
  title,
  section: [],
  text,
  start: 0,
  end: text.length,
  scores: { fused: 1 },
})
const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

const passages = readdirSync(articles).map((name) => {
  const [, front, ...body] = readFileSync(join(articles, name), 'utf8').split('---\n')
  return passageOf(name, /^title: "?(.*?)"?$/m.exec(front!)![1]!, body.join('---\n'))
})
const units = passages.flatMap((passage) => splitSentences(passage.text).map((unit) => ({ passage, unit })))
const quotable = units
  .filter(({ unit }) => unit.kind !== 'code' && unit.kind !== 'row' && unit.text.split(' ').length > 4)
  .map(({ passage, unit }) => ({ passage, text: unit.text }))
const rows = units.flatMap(({ passage, unit }) => (unit.cells ? [{ passage, text: readableRow(unit.cells) }] : []))

describe('the claim ledger, measured on whole articles', () => {
  it('supports every sentence and every table row of the demo as it stands', () => {
    const refused = [...quotable, ...rows].filter(
      ({ text, passage }) => !checkClaim({ text, citations: [1] }, [passage], '').supported,
    )
    expect(refused.map(({ text }) => text)).toEqual([])
    expect(quotable.length).toBeGreaterThan(500)
    expect(rows.length).toBeGreaterThan(100)
  })

  /** The same number of each kind, as far as the articles give them. */
  const changed = <F>(
    kinds: Readonly<Record<string, F>>,
    apply: (change: F, text: string, random: () => number, source: string) => string | undefined,
  ) =>
    Object.entries(kinds).flatMap(([kind, change]) => {
      const random = randomFrom(11)
      const made = new Map<string, { kind: string; text: string; passage: Passage }>()
      for (let draw = 0; made.size < 125 && draw < 20_000; draw++) {
        const { text, passage } = pick(quotable, random)!
        const other = apply(change, text, random, passage.text)
        if (other !== undefined && other !== text) made.set(`${draw}`, { kind, text: other, passage })
      }
      return [...made.values()]
    })
  const isSupported = ({ text, passage }: { text: string; passage: Passage }) =>
    checkClaim({ text, citations: [1] }, [passage], '').supported

  it('catches at least 98.5 % of 1,000 numbers, dates, prices, units, codes, names and negations that were changed', () => {
    const swapped = changed(SWAPS, (swap, text, random, source) => swap(text, random, source))
    expect(swapped).toHaveLength(1_000)
    const missed = swapped.filter(isSupported)
    for (const kind of Object.keys(SWAPS)) expect(missed.filter((one) => one.kind === kind).length, kind).toBeLessThanOrEqual(6)
    expect(missed.length / swapped.length, missed.map(({ text }) => text).join('\n')).toBeLessThanOrEqual(0.015)
  })

  it('lets at least 98 % of rewrites stand that say the same', () => {
    const rewritten = changed(REWRITES, (rewrite, text, random) => rewrite(text, random))
    const refused = rewritten.filter((one) => !isSupported(one))
    expect(new Set(rewritten.map(({ kind }) => kind)).size).toBe(Object.keys(REWRITES).length)
    expect(rewritten.length).toBeGreaterThan(600)
    expect(refused.length / rewritten.length, refused.map(({ text }) => text).join('\n')).toBeLessThanOrEqual(0.02)
  })

  it.skipIf(!existsSync(ratings) || !existsSync(sources))(
    'blocks few answers that people rated faithful, by number or contradiction (needs ../shared)',
    () => {
      const texts = new Map<string, { title: string | null; text: string }>(linesOf(sources).map((source) => [source.id, source]))
      const faithful = linesOf(ratings).filter(({ faith_median, contexts }) => faith_median >= 3 && contexts.length > 0)
      const blocked = faithful.filter(({ question, history, contexts, answer }) => {
        const passages = contexts.map((id: string, at: number) =>
          passageOf(id, texts.get(id)!.title ?? '', texts.get(id)!.text, at + 1),
        )
        const asked = [...history.map(({ t }: { t: string }) => t), question].join('\n')
        return splitSentences(answer).some(({ text }) => {
          const { supported, reason } = checkClaim({ text, citations: passages.map(({ n }: Passage) => n) }, passages, asked)
          return !supported && !reason.startsWith('only ')
        })
      })
      expect(faithful.length).toBeGreaterThan(150)
      expect(blocked.length / faithful.length).toBeLessThan(0.1)
    },
  )
})
