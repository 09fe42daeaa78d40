import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isTitled } from '#shared/adapters/search/match-weights.ts'
import { readConfig } from '#shared/config.ts'
import { openSearch, systemClock } from '#shared/wiring.ts'
import { loadDocuments, MASKED_KINDS, queryOf } from './retrieval.ts'
import { EvalDocument, EvalQuery, readLines } from './retrieval-data.ts'
import { type Asked, crossValidate, learnAbstention, learnRanking } from './retrieval-learning.ts'

/**
 * `node cli/eval/retrieval-train.ts --set 'DOCS[,DOCS…];QUESTIONS;[FIELD,…]' [--set …]` prints the weights of `match-weights.ts`, for
 * knowledge with titles and for knowledge without, and what half of the questions predicts of the other half. The third part names
 * fields that are left out. Questions of the masked kinds are asked of the masked documents for the rankings, and of both for the
 * abstention. The embedded indexes only: no other gives signals.
 */
const { values } = parseArgs({ options: { set: { type: 'string', multiple: true, default: [] } } })
if (values.set.length === 0) throw new TypeError('--set is needed')
const asked: Asked[] = []
for (const [at, set] of values.set.entries()) asked.push(...(await ask(set, at)))
const titled = (one: Asked) => one.candidates.some(({ sparse }) => isTitled(sparse!.signals!))
const DECAY = { TITLED: 0.001, PLAIN: 0.01 }
const groups = Object.entries(Object.groupBy(asked, (one) => (titled(one) ? 'TITLED' : 'PLAIN'))).map(([name, all]) => {
  const decay = DECAY[name as keyof typeof DECAY]
  return { name, all, decay, ranking: learnRanking(all, decay) }
})
const short = (weights: readonly number[]) => weights.map((weight) => Number(weight.toFixed(3))).join(', ')
const rankings = new Map(groups.flatMap(({ all, ranking }) => all.map((one) => [one, ranking] as const)))
const report = {
  ...Object.fromEntries(
    groups.map(({ name, ranking: { sparse, rerank } }) => [name, { sparse: short(sparse), rerank: short(rerank) }]),
  ),
  ANSWERABLE: short(learnAbstention(asked, (one) => rankings.get(one)!)),
  crossValidated: crossValidate(groups),
}
console.log(JSON.stringify(report, null, 2))

async function ask(set: string, at: number): Promise<Asked[]> {
  const [docs = '', data = '', without = ''] = set.split(';')
  const dataDir = mkdtempSync(join(tmpdir(), 'answerline-train-'))
  const search = await openSearch({ ...readConfig(), dataDir }, systemClock)
  const { signal } = new AbortController()
  try {
    const documents = docs.split(',').flatMap((path) => readLines(path, EvalDocument))
    const options = { without: without.split(',').filter(Boolean) }
    const queries = readLines(data, EvalQuery)
    await loadDocuments('full', documents, options, false, search, () => {}, signal)
    const quoted = queries.some(({ kind }) => MASKED_KINDS.has(kind))
    if (quoted) await loadDocuments('masked', documents, options, true, search, () => {}, signal)
    const candidatesOf = async (query: EvalQuery, tenantId: string) => {
      const filter = { tenantId, audiences: ['public'] as const }
      const request = { query: queryOf(query), filter, perLeg: 100, explain: true }
      const { candidates = [] } = await search.searcher.search(request, signal)
      return candidates.filter(({ chunk, sparse }) => chunk.documentId !== query.from && sparse?.signals !== undefined)
    }
    const all: Asked[] = []
    for (const [number, query] of queries.entries()) {
      const masked = MASKED_KINDS.has(query.kind)
      all.push({
        set: at,
        query,
        candidates: await candidatesOf(query, 'full'),
        masked: false,
        asked: masked ? 'abstention' : 'both',
      })
      // A quarter of the masked for abstention, too: customers do not write what stands in the article, nor nothing of it.
      const both = number % 4 === 0
      if (masked)
        all.push({ set: at, query, candidates: await candidatesOf(query, 'masked'), masked, asked: both ? 'both' : 'ranking' })
    }
    return all.filter(({ candidates }) => candidates.length > 0)
  } finally {
    await search.closeSearch()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
