import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig } from '#shared/config.ts'
import { SIGNALS } from '#shared/ports/search-index.ts'
import type { ScoredCandidate } from '#shared/ports/searcher.ts'
import { openSearch, systemClock } from '#shared/wiring.ts'
import { withHistory } from '#workers/logic/conversation-query.ts'
import { fitLogistic, fitRanking, type RankedList } from './linear-models.ts'
import { loadDocuments, MASKED_KINDS, type RetrievalUnderTest } from './retrieval.ts'
import { EvalDocument, EvalQuery, readLines } from './retrieval-data.ts'

/**
 * `node cli/eval/retrieval-train.ts --docs D… --data Q [--without description]` prints the weights of `match-weights.ts`. Questions of
 * the masked kinds are asked of the masked documents for the rankings, and of both for the abstention. The embedded indexes only: no
 * other gives signals. The weights in the repository were learned on all of msft_support_kb (headline and, at 0.35, without title and
 * path) and mtrag_un (at 0.5); docs/retrieval.md says what half of it predicts of the other half.
 */
const ROWS = 40
const FEW_SIGNS = ['document', 'passage', 'titleShare', 'pathShare', 'bestShare', 'titlePairs', 'pathPairs']

type Asked = { readonly query: EvalQuery; readonly candidates: readonly ScoredCandidate[] }

const { values } = parseArgs({
  options: {
    docs: { type: 'string', multiple: true, default: [] },
    data: { type: 'string' },
    without: { type: 'string', default: 'description' },
  },
})
if (values.data === undefined || values.docs.length === 0) throw new TypeError('--docs and --data are needed')
const dataDir = mkdtempSync(join(tmpdir(), 'answerline-train-'))
const search = await openSearch({ ...readConfig(), dataDir }, systemClock)
try {
  console.log(JSON.stringify(await learn(values.docs, values.data, values.without.split(','), search), null, 2))
} finally {
  await search.closeSearch()
  rmSync(dataDir, { recursive: true, force: true })
}

async function learn(docs: readonly string[], data: string, without: readonly string[], under: RetrievalUnderTest) {
  const { signal } = new AbortController()
  const documents = docs.flatMap((path) => readLines(path, EvalDocument))
  const queries = readLines(data, EvalQuery)
  await loadDocuments('full', documents, { without }, false, under, () => {}, signal)
  await loadDocuments('masked', documents, { without }, true, under, () => {}, signal)
  const masked: Asked[] = []
  const whole: Asked[] = []
  for (const query of queries) {
    const full = { query, candidates: await ask(query, 'full', under, signal) }
    whole.push(full)
    masked.push(MASKED_KINDS.has(query.kind) ? { query, candidates: await ask(query, 'masked', under, signal) } : full)
  }
  const lists = masked.filter(({ query }) => query.gold.length > 0).map(listOf)
  const rerank = fitRanking(lists)
  const few = FEW_SIGNS.map((name) => SIGNALS.indexOf(name as (typeof SIGNALS)[number]))
  const fewWeights = fitRanking(
    lists.map((list) => ({ ...list, rows: list.rows.map((row) => few.map((column) => row[column]!)) })),
  )
  const sparse = SIGNALS.map((_, column) => (few.includes(column) ? fewWeights[few.indexOf(column)]! : 0))
  // A quarter of the masked questions: customers do not write what stands in the article, nor nothing of it.
  const judged = [...whole, ...masked.filter(({ query }, at) => MASKED_KINDS.has(query.kind) && at % 4 === 0)]
  const known = judged.flatMap((asked) => {
    const features = featuresOf(asked, rerank)
    return features ? [{ features, answerable: asked.query.gold.length > 0 }] : []
  })
  const answerable = fitLogistic(
    known.map(({ features }) => features),
    known.map((one) => one.answerable),
  )
  const short = (weights: readonly number[]) => weights.map((weight) => Number(weight.toFixed(3)))
  return { SPARSE_WEIGHTS: short(sparse), RERANK_WEIGHTS: short(rerank), ANSWERABLE_WEIGHTS: short(answerable) }
}

async function ask({ text, history, from }: EvalQuery, tenantId: string, { searcher }: RetrievalUnderTest, signal: AbortSignal) {
  const query = withHistory(
    text,
    history.map(({ r, t }) => ({ by: r === 'u' ? 'customer' : 'agent', text: t })),
  )
  const filter = { tenantId, audiences: ['public'] as const }
  const { candidates = [] } = await searcher.search({ query, filter, perLeg: 100, explain: true }, signal)
  return candidates.filter(({ chunk, sparse }) => chunk.documentId !== from && sparse?.signals !== undefined)
}

const rowOf = ({ sparse, dense }: ScoredCandidate): number[] => [...sparse!.signals!, dense?.score ?? 0]

/** The best passage of each document by the words alone. */
function listOf({ query, candidates }: Asked): RankedList {
  const seen = new Set<string>()
  const best = [...candidates]
    .sort((a, b) => a.sparse!.rank - b.sparse!.rank)
    .filter(({ chunk }) => !seen.has(chunk.documentId) && seen.add(chunk.documentId))
    .slice(0, ROWS)
  return { rows: best.map(rowOf), relevant: best.map(({ chunk }) => query.gold.includes(chunk.documentId)), weight: 1 }
}

/** As `answerabilityFeatures` will see them once these weights are in place. */
function featuresOf({ candidates }: Asked, weights: readonly number[]): number[] | undefined {
  const scored = candidates.map((candidate) => {
    const row = rowOf(candidate)
    return { row, id: candidate.chunk.documentId, score: row.reduce((sum, value, i) => sum + value * weights[i]!, 0) }
  })
  scored.sort((a, b) => b.score - a.score)
  const best = scored[0]
  if (!best) return undefined
  const next = scored.find(({ id }) => id !== best.id)
  return [best.score, next ? Math.min(1, best.score - next.score) : 1, best.row.at(-1)!, ...best.row.slice(0, -1)]
}
