import { answerabilityRow } from '#shared/adapters/search/answerability.ts'
import { SIGNALS } from '#shared/ports/search-index.ts'
import { fitLogistic, fitRanking, type RankedList } from './linear-models.ts'
import type { Asked } from './retrieval-asked.ts'

export type Ranking = { readonly sparse: number[]; readonly rerank: number[] }

/** Documents by question. */
const ROWS = 40
const STEPS = 300
/** Few and strong, so that the reranker has something to add. */
const FEW = [
  'document',
  'passage',
  'titleShare',
  'pathShare',
  'bestShare',
  'titlePairs',
  'pathPairs',
  'textPairs',
  'coverage',
  'covered',
  'lead',
  'length',
] as const
const COLUMNS = FEW.map((name) => SIGNALS.indexOf(name))

export const score = (weights: readonly number[], row: readonly number[]) => {
  let sum = 0
  for (let i = 0; i < weights.length; i++) sum += weights[i]! * row[i]!
  return sum
}

/** The best passage of each document by the words alone. */
function listOf({ query, ids, rows }: Asked, weight: number): RankedList {
  const first = new Map<string, number>()
  for (const [at, id] of ids.entries()) if (!first.has(id)) first.set(id, at)
  const best = [...first.values()].slice(0, ROWS)
  return { rows: best.map((at) => rows[at]!), relevant: best.map((at) => query.gold.includes(ids[at]!)), weight }
}

/**
 * Kinds of questions weigh by the root of their number, so that the commonest does not decide alone.
 * @param decay by cross-validation
 */
export function learnRanking(all: readonly Asked[], decay: number): Ranking {
  const ranked = all.filter(({ query, use }) => query.gold.length > 0 && use !== 'abstention')
  const kindOf = ({ set, query }: Asked) => `${set} ${query.kind}`
  const [sets, kinds] = [countsOf(ranked.map(({ set }) => `${set}`)), countsOf(ranked.map(kindOf))]
  const lists = ranked.map((one) => listOf(one, Math.sqrt(sets.get(`${one.set}`)! / kinds.get(kindOf(one))!)))
  const few = fitScaled(
    lists.map((list) => ({ ...list, rows: list.rows.map((row) => COLUMNS.map((at) => row[at]!)) })),
    1e-3,
  )
  return { sparse: SIGNALS.map((_, column) => few[COLUMNS.indexOf(column)] ?? 0), rerank: fitScaled(lists, decay) }
}

/** With every column brought to one spread first, so that decay treats a share and a sum alike. */
function fitScaled(lists: readonly RankedList[], decay: number): number[] {
  const spread = spreadsOf(lists.flatMap(({ rows }) => rows))
  const scaled = lists.map((list) => ({ ...list, rows: list.rows.map((row) => row.map((value, i) => value / spread[i]!)) }))
  return fitRanking(scaled, { decay, steps: STEPS }).map((weight, i) => (spread[i] === Infinity ? 0 : weight / spread[i]!))
}

/** Standard deviations by column; infinite where a column never changes. */
function spreadsOf(rows: readonly (readonly number[])[]): number[] {
  return rows[0]!.map((_, column) => {
    let [sum, square] = [0, 0]
    for (const row of rows) {
      sum += row[column]!
      square += row[column]! ** 2
    }
    const mean = sum / rows.length
    const variance = square / rows.length - mean ** 2
    return variance > 1e-9 ? Math.sqrt(variance) : Infinity
  })
}

function countsOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/** The passages as the searcher would rank them: the best twenty by the words, two of a document at most, by all signals. */
export function rankedBy({ ids, rows }: Asked, { sparse, rerank }: Ranking, leg: 'sparse' | 'rerank') {
  const found = standBack(rows.map((row, at) => ({ id: ids[at]!, row, score: score(sparse, row) })))
  if (leg === 'sparse') return found
  const times = countingDown(2)
  const head = found.filter(({ id }) => times(id)).slice(0, 20)
  return head.map(({ id, row }) => ({ id, row, score: score(rerank, row) })).sort((a, b) => b.score - a.score)
}

type Scored = { readonly id: string; readonly row: readonly number[]; readonly score: number }

/** As `match-passages.ts` does. */
function standBack(all: readonly Scored[]): Scored[] {
  const before = new Map<string, number>()
  const stood = [...all]
    .sort((a, b) => b.score - a.score)
    .map((one) => {
      const times = before.get(one.id) ?? 0
      before.set(one.id, times + 1)
      return { ...one, score: one.score * 0.75 ** times }
    })
  return stood.sort((a, b) => b.score - a.score)
}

function countingDown(limit: number) {
  const times = new Map<string, number>()
  return (id: string) => {
    const now = (times.get(id) ?? 0) + 1
    times.set(id, now)
    return now <= limit
  }
}

/** One model for all knowledge: learned on one kind alone it would send nearly everything of another to a person. Sets weigh alike. */
export function learnAbstention(all: readonly Asked[], rankingOf: (asked: Asked) => Ranking): number[] {
  const known = all.flatMap((one) => {
    const features = one.use === 'ranking' ? undefined : featuresOf(one, rankingOf(one))
    return features ? [{ features, answerable: one.query.gold.length > 0 }] : []
  })
  if (new Set(known.map(({ answerable }) => answerable)).size < 2) return []
  const rows = known.map(({ features }) => features)
  const spread = spreadsOf(rows)
  const scaled = rows.map((row) => row.map((value, i) => value / spread[i]!))
  const [constant = 0, ...weights] = fitLogistic(
    scaled,
    known.map(({ answerable }) => answerable),
    1e-2,
    400,
  )
  return [constant, ...weights.map((weight, i) => (spread[i] === Infinity ? 0 : weight / spread[i]!))]
}

/** As the searcher will see them once these weights are in place. */
export function featuresOf(asked: Asked, ranking: Ranking): number[] | undefined {
  const scored = rankedBy(asked, ranking, 'rerank')
  const best = scored[0]
  if (!best) return undefined
  const next = scored.find(({ id }) => id !== best.id)
  return answerabilityRow(best.row, best.score, next?.score)
}
