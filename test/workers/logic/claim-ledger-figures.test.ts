import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Passage } from '#shared/domain/passage.ts'
import { type Fact, factsIn } from '#shared/text/facts-in-text.ts'
import { readableRow, splitSentences } from '#shared/text/sentences.ts'
import { checkClaim } from '#workers/logic/check-claim.ts'

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

/** Linear congruential generator (Numerical Recipes): the same swaps in every run. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

type Swap = (text: string, random: () => number) => string | undefined
const swapFact =
  (kinds: readonly Fact['kind'][], change: (raw: string, random: () => number) => string): Swap =>
  (text, random) => {
    const facts = factsIn(text).filter(({ kind, raw }) => kinds.includes(kind) && /\d/.test(raw))
    const fact = facts[Math.floor(random() * facts.length)]
    if (fact === undefined) return undefined
    const swapped = text.slice(0, fact.start) + change(fact.raw, random) + text.slice(fact.end)
    const same =
      factsIn(swapped)
        .map(({ value }) => value)
        .join() ===
      factsIn(text)
        .map(({ value }) => value)
        .join()
    return same ? undefined : swapped
  }
const otherNumber = (raw: string, random: () => number) =>
  raw.replace(/\d+/, (digits) => String(Number(digits) + 1 + Math.floor(random() * 9)))
const otherLastDigit = (raw: string, random: () => number) =>
  raw.replace(/\d(?!.*\d)/, (digit) => String((Number(digit) + 1 + Math.floor(random() * 8)) % 10))

const SWAPS: Record<string, Swap> = {
  number: swapFact(['number', 'duration', 'percent'], otherNumber),
  price: swapFact(['price'], otherNumber),
  date: swapFact(['date'], otherLastDigit),
  code: swapFact(['code'], otherLastDigit),
  'negation dropped': (text) =>
    / (?:do|does|is|are|will|can) not\b|\bcannot\b/.test(text)
      ? text.replace(/ not\b/, '').replace(/\bcannot\b/, 'can')
      : undefined,
  'negation added': (text) =>
    /\b(?:not|no|never|cannot|without)\b/.test(text)
      ? undefined
      : text.match(/ (?:is|are|can|will|must) /)
        ? text.replace(/ (is|are|can|will|must) /, ' $1 not ')
        : undefined,
}

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

  it.each(Object.keys(SWAPS))('catches at least 95 % of 170 sentences with one %s changed', (name) => {
    const random = randomFrom(11)
    let tried = 0
    const missed: string[] = []
    for (let draw = 0; tried < 170 && draw < 50_000; draw++) {
      const { text, passage } = quotable[Math.floor(random() * quotable.length)]!
      const swapped = SWAPS[name]!(text, random)
      if (swapped === undefined || swapped === text) continue
      tried += 1
      if (checkClaim({ text: swapped, citations: [1] }, [passage], '').supported) missed.push(swapped)
    }
    expect(tried).toBe(170)
    expect(missed.length / tried, missed.join('\n')).toBeLessThanOrEqual(0.05)
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
