import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ask, askedSetOf } from '#cli/eval/retrieval-asked.ts'
import { learnRanking, rankedBy } from '#cli/eval/retrieval-learning.ts'
import { crossValidate, learn, measured } from '#cli/eval/retrieval-validation.ts'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { SIGNALS } from '#shared/ports/search-index.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'answerline-learn-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const THINGS = ['kettle', 'router', 'sensor', 'battery', 'printer', 'camera', 'heater', 'modem', 'toaster', 'radio']

/** Ten titled articles, a question about each, and questions that none answers. */
function files(): string {
  const documents = THINGS.map((thing, i) => ({
    id: `d${i}`,
    title: `The ${thing} does not start`,
    sections: [
      { h: 'Symptoms', l: 2, t: `Your ${thing} stays dark and silent.`, sym: true },
      {
        h: 'Resolution',
        l: 2,
        t: `Hold the button of the ${thing} for ${i + 2} seconds. Other devices: ${THINGS[(i + 1) % 10]}.`,
        sym: false,
      },
    ],
  }))
  const questions = [
    ...THINGS.map((thing, i) => ({
      id: `q${i}`,
      kind: 'symptom',
      text: `my ${thing} stays dark and does not start`,
      gold: [`d${i}`],
    })),
    ...THINGS.map((thing, i) => ({ id: `o${i}`, kind: 'old_title', text: `${thing} button`, gold: [`d${i}`] })),
    ...['invoice', 'contract', 'holiday'].map((word) => ({
      id: word,
      kind: 'retired',
      text: `button of the ${word} department`,
      gold: [],
    })),
  ]
  const write = (name: string, rows: readonly object[]) => {
    writeFileSync(join(folder, name), rows.map((row) => JSON.stringify(row)).join('\n'))
    return join(folder, name)
  }
  return `${write('docs.jsonl', documents)};${write('questions.jsonl', questions)}`
}

const groupsOf = async (sets: readonly string[]) => {
  const all = await Promise.all(sets.map((set, at) => ask(askedSetOf(set), at, new HashEmbedder(256))))
  return [{ name: 'TITLED', all: all.flat(), decay: 0.01 }]
}

test('the same questions teach the same weights, which find what they were taught', async () => {
  const sets = [`${files()};description`]
  const [first, second] = [await groupsOf(sets), await groupsOf(sets)]
  const learned = learn(first)
  const again = learn(second)
  expect(again.rankings[0]!.ranking).toEqual(learned.rankings[0]!.ranking)
  expect(again.answerable).toEqual(learned.answerable)
  expect(learned.rankings[0]!.ranking.rerank).toHaveLength(SIGNALS.length + 1)
  const figures = measured(first, () => learned)
  expect(figures['ndcg@10']['1:old_title']!.reranked).toBe(1)
  expect(figures.abstention[0]!.auc).toBeGreaterThan(0.9)
})

test('quoted kinds are ranked on masked articles and judged for evidence on whole ones', async () => {
  const { all } = (await groupsOf([files()]))[0]!
  const ways = (kind: string) =>
    new Set(all.filter(({ query }) => query.kind === kind).map(({ masked, use }) => `${masked} ${use}`))
  expect(ways('symptom')).toEqual(new Set(['false abstention', 'true both', 'true ranking']))
  expect(ways('old_title')).toEqual(new Set(['false both']))
})

test('in a sample of the articles, questions about the others have no answer, and nothing is ranked', async () => {
  const { all } = (await groupsOf([`${files()};;4`]))[0]!
  expect(new Set(all.map(({ documents }) => documents))).toEqual(new Set([4]))
  expect(all.every(({ use }) => use === 'abstention')).toBe(true)
  expect(all.some(({ query }) => query.gold.length === 0)).toBe(true)
  expect(all.some(({ query }) => query.gold.length > 0)).toBe(true)
})

test('every question is judged by weights that have not seen its article', async () => {
  const folds: number[] = []
  const figures = crossValidate(await groupsOf([files()]), (fold) => folds.push(fold))
  expect(folds).toEqual([0, 1, 2, 3, 4])
  expect(figures['ndcg@10']['1:symptom']!.questions).toBe(10)
})

test('of one document at most two passages are among the twenty that are ranked again', () => {
  const row = (document: number) => SIGNALS.map((name) => (name === 'document' ? document : 0)).concat(0)
  const weights = SIGNALS.map((name) => (name === 'document' ? 1 : 0))
  const asked = {
    set: 0,
    query: { gold: ['a'], kind: 'k', text: 't', history: [] } as never,
    ids: ['a', 'a', 'a', 'b'],
    rows: [row(9), row(8), row(7), row(1)],
    masked: false,
    use: 'both' as const,
    documents: 2,
  }
  const ranked = rankedBy(asked, { sparse: weights, rerank: [...weights, 0] }, 'rerank')
  expect(ranked.map(({ id }) => id)).toEqual(['a', 'a', 'b'])
  expect(learnRanking([asked], 0.01).sparse).toHaveLength(SIGNALS.length)
})
