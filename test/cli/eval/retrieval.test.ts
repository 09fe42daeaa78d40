import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { evalRetrieval } from '#cli/eval/retrieval.ts'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { LexicalReranker } from '#shared/adapters/models/reranker.lexical.ts'
import { HybridSearcher } from '#shared/adapters/search/searcher.hybrid.ts'
import { MemoryDenseIndex } from '#test/fakes/dense-index.memory.ts'
import { MemorySparseIndex } from '#test/fakes/sparse-index.memory.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'answerline-eval-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const DOCUMENTS = [
  {
    id: 'light',
    title: 'Lights',
    description: 'purple unicorn',
    sections: [
      { h: 'Symptoms', l: 2, t: 'The ring glows turquoise.', sym: true },
      { h: 'Cause', l: 2, t: 'The hub lost the network.', sym: false },
    ],
  },
  { id: 'bill', title: 'Invoices', sections: [{ h: 'Dates', l: 2, t: 'Invoices come monthly.', sym: false }] },
  { id: 'plain', title: null, text: 'The battery lasts two years.' },
]

async function evaluate(queries: readonly object[], change: { maskSym?: boolean; without?: string[] } = {}) {
  const write = (name: string, rows: readonly object[]) =>
    writeFileSync(join(folder, name), rows.map((row) => JSON.stringify(row)).join('\n'))
  write('docs.jsonl', DOCUMENTS)
  write('queries.jsonl', queries)
  const embedder = new HashEmbedder(256)
  const [dense, sparse] = [new MemoryDenseIndex(256), new MemorySparseIndex()]
  const searcher = new HybridSearcher({ embedder, dense, sparse, reranker: new LexicalReranker() })
  const options = {
    docs: [join(folder, 'docs.jsonl')],
    data: join(folder, 'queries.jsonl'),
    maskSym: false,
    without: [],
    minEvidence: 0.4,
    ...change,
  }
  return evalRetrieval(options, { embedder, dense, sparse, searcher }, () => {}, AbortSignal.timeout(30_000))
}

test('reports every leg by kind and overall, and abstention on queries that nothing answers', async () => {
  const result = await evaluate([
    { id: 'q1', kind: 'how', text: 'When do invoices come?', gold: ['bill'] },
    { id: 'q2', kind: 'other', text: 'How long does the battery last?', gold: ['plain'] },
    { id: 'q3', kind: 'retired', text: 'Zebra crossing permits in winter', gold: [] },
  ])
  for (const leg of ['sparse', 'dense', 'fused', 'reranked'] as const) {
    expect(Object.keys(result.metrics[leg])).toEqual(['how', 'other', 'overall'])
    expect(result.metrics[leg]['overall']!['ndcg@10']).toBe(1)
  }
  expect(result.metrics.abstention).toMatchObject({ answerable: 2, unanswerable: 1, rate: 1, wronglyAbstained: 0, auc: 1 })
  expect(result).toMatchObject({ suite: 'retrieval', n: 3, config: { documents: 3 } })
})

test('leaves out what would give the answer away: marked sections, named fields, the article a query came from', async () => {
  const symptom = [{ id: 'q', kind: 'symptom', text: 'ring glows turquoise', gold: ['light'] }]
  const sparse = async (...call: Parameters<typeof evaluate>) => (await evaluate(...call)).metrics.sparse['overall']!['ndcg@10']
  expect(await sparse(symptom)).toBe(1)
  expect(await sparse(symptom, { maskSym: true })).toBe(0)
  expect(await sparse([{ ...symptom[0], kind: 'how' }], { maskSym: true })).toBe(1)
  const described = [{ id: 'q', kind: 'how', text: 'purple unicorn', gold: ['light'] }]
  expect(await sparse(described)).toBe(1)
  expect(await sparse(described, { without: ['description'] })).toBe(0)
  expect(await sparse([{ ...described[0], from: 'light' }])).toBe(0)
})

test('a line that does not fit is named', async () => {
  await expect(
    evaluate([
      { id: 'q', text: 'x', gold: ['a'] },
      { id: 'r', gold: [] },
    ]),
  ).rejects.toThrow(/queries\.jsonl:2: /)
})

test('a question of a conversation is asked with what the customer said before it, and counts as its answerability', async () => {
  const row = { id: 'c', question: 'And how is that?', gold: ['plain'], answerability: 'ANSWERABLE' }
  const history = [
    { r: 'u', t: 'Tell me about the battery.' },
    { r: 'a', t: 'What would you like to know?' },
  ]
  const alone = await evaluate([row])
  const told = await evaluate([{ ...row, history }])
  expect(alone.metrics.sparse['answerable']!['ndcg@10']).toBeLessThan(1)
  expect(told.metrics.sparse['answerable']!['ndcg@10']).toBe(1)
})

test('questions that nothing answers are in no ranking figure', async () => {
  const answerable = { id: 'q1', kind: 'how', text: 'When do invoices come?', gold: ['bill'] }
  const result = await evaluate([answerable, { id: 'q2', kind: 'how', text: 'invoices on Mars', gold: [] }])
  expect(result.metrics.sparse['how']).toEqual((await evaluate([answerable])).metrics.sparse['how'])
  expect(result.metrics.abstention).toMatchObject({ answerable: 1, unanswerable: 1 })
})

test('abstention is told on the documents as they are and, apart from that, on the masked ones', async () => {
  const queries = [
    { id: 'q1', kind: 'symptom', text: 'ring glows turquoise', gold: ['light'] },
    { id: 'q2', kind: 'retired', text: 'zebra crossing permits', gold: [] },
  ]
  const { abstention, abstentionMasked } = (await evaluate(queries, { maskSym: true })).metrics
  expect(abstention).toMatchObject({ auc: 1 })
  expect(abstentionMasked).toMatchObject({ auc: 0.5 })
  expect((await evaluate(queries)).metrics.abstentionMasked).toBeUndefined()
})

test('the curve says what each threshold loses and catches, never less as it rises', async () => {
  const { abstention } = (
    await evaluate([
      { id: 'q1', text: 'When do invoices come monthly?', gold: ['bill'] },
      { id: 'q2', text: 'battery zebra crossing permits winter', gold: [] },
    ])
  ).metrics
  const curve = 'curve' in abstention ? abstention.curve : []
  expect(curve.length).toBeGreaterThan(5)
  for (const [at, { minEvidence, loses, catches }] of curve.entries()) {
    const before = curve[at - 1] ?? { minEvidence: 0, loses: 0, catches: 0 }
    expect([minEvidence > before.minEvidence, loses >= before.loses, catches >= before.catches]).toEqual([true, true, true])
  }
  expect(curve.at(-1)!.catches).toBe(1)
})
