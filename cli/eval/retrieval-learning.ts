import { SIGNALS } from '#shared/ports/search-index.ts'
import type { ScoredCandidate } from '#shared/ports/searcher.ts'
import { fitLogistic, fitRanking, type RankedList } from './linear-models.ts'
import { areaUnderCurve, meanScores, scoreRanking } from './ranking-metrics.ts'
import type { EvalQuery } from './retrieval-data.ts'

/** A question and what the search brought for it, of documents as they are or `masked`: without the sections that a question quotes. */
export type Asked = {
  readonly set: number
  readonly query: EvalQuery
  readonly candidates: readonly ScoredCandidate[]
  readonly masked: boolean
  /** What is learned from it. */
  readonly asked: 'ranking' | 'abstention' | 'both'
}
export type Ranking = { readonly sparse: number[]; readonly rerank: number[] }

const ROWS = 40
/** Few and strong, so that the reranker has something to add. */
const FEW = [
  'document',
  'passage',
  'titleShare',
  'pathShare',
  'bestShare',
  'titlePairs',
  'pathPairs',
  'coverage',
  'covered',
] as const
const COLUMNS = FEW.map((name) => SIGNALS.indexOf(name))

const rowOf = ({ sparse, dense }: ScoredCandidate): number[] => [...sparse!.signals!, dense?.score ?? 0]
const score = (weights: readonly number[], row: readonly number[]) => row.reduce((sum, value, i) => sum + value * weights[i]!, 0)

/** The best passage of each document by the words alone. */
function listOf({ query, candidates }: Asked): RankedList & { readonly ids: readonly string[] } {
  const seen = new Set<string>()
  const best = [...candidates]
    .sort((a, b) => a.sparse!.rank - b.sparse!.rank)
    .filter(({ chunk }) => !seen.has(chunk.documentId) && seen.add(chunk.documentId))
    .slice(0, ROWS)
  const ids = best.map(({ chunk }) => chunk.documentId)
  return { ids, rows: best.map(rowOf), relevant: ids.map((id) => query.gold.includes(id)), weight: 1 }
}

/**
 * The reranker decays towards the sparse leg, so that it departs from it only for a reason, and kinds of questions weigh by the root of
 * their number, so that the commonest does not decide alone.
 * @param decay by cross-validation: the fewer the signs that tell, the stronger
 */
export function learnRanking(all: readonly Asked[], decay: number): Ranking {
  const ranked = all.filter(({ query, asked }) => query.gold.length > 0 && asked !== 'abstention')
  const kindOf = ({ set, query }: Asked) => `${set} ${query.kind}`
  const [sets, kinds] = [countsOf(ranked.map(({ set }) => `${set}`)), countsOf(ranked.map(kindOf))]
  const lists = ranked.map(listOf)
  const few = fitRanking(lists.map((list) => ({ ...list, rows: list.rows.map((row) => COLUMNS.map((at) => row[at]!)) })))
  const sparse = SIGNALS.map((_, column) => few[COLUMNS.indexOf(column)] ?? 0)
  const balanced = lists.map((list, i) => {
    const one = ranked[i]!
    return { ...list, weight: Math.sqrt(sets.get(`${one.set}`)! / kinds.get(kindOf(one))!) }
  })
  return { sparse, rerank: fitRanking(balanced, { decay, towards: [...sparse, 0] }) }
}

function countsOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/** One model for all knowledge: learned on one kind alone it would send nearly everything of another to a person. */
export function learnAbstention(all: readonly Asked[], rankingOf: (asked: Asked) => Ranking): number[] {
  const known = all.flatMap((one) => {
    const features = one.asked === 'ranking' ? undefined : featuresOf(one, rankingOf(one).rerank)
    return features ? [{ features, answerable: one.query.gold.length > 0 }] : []
  })
  if (new Set(known.map(({ answerable }) => answerable)).size < 2) return []
  const features = known.map((one) => one.features)
  return fitLogistic(
    features,
    known.map((one) => one.answerable),
  )
}

/** As `answerabilityFeatures` will see them once these weights are in place. */
function featuresOf({ candidates }: Asked, weights: readonly number[]): number[] | undefined {
  const scored = candidates.map((candidate) => {
    const row = rowOf(candidate)
    return { row, id: candidate.chunk.documentId, score: score(weights, row) }
  })
  scored.sort((a, b) => b.score - a.score)
  const best = scored[0]
  if (!best) return undefined
  const next = scored.find(({ id }) => id !== best.id)
  return [best.score, next ? Math.min(1, best.score - next.score) : 1, best.row.at(-1)!, ...best.row.slice(0, -1)]
}

type Group = { readonly all: readonly Asked[]; readonly decay: number }

/** Learned on one half of the articles and measured on the other, both ways: what the weights promise of other questions. */
export function crossValidate(groups: readonly Group[]) {
  const everything = groups.flatMap(({ all }) => all)
  const halves = [0, 1].map((half) => {
    const others = (all: readonly Asked[]) => all.filter((one) => halfOf(one.query) !== half)
    const rankings = new Map(groups.flatMap(({ all, decay }) => shared(all, learnRanking(others(all), decay))))
    const rankingOf = (one: Asked) => rankings.get(one)!
    return { rankingOf, answerable: learnAbstention(others(everything), rankingOf) }
  })
  const ranked = everything.filter(({ query, asked }) => query.gold.length > 0 && asked !== 'abstention')
  const nameOf = ({ set, query }: Asked) => `${set + 1}:${query.kind}`
  const ndcg = [...new Set(ranked.map(nameOf))].map((name) => {
    const some = ranked.filter((one) => nameOf(one) === name)
    const measured = (leg: 'sparse' | 'rerank') =>
      meanScores(some.map((one) => rankedBy(one, halves[halfOf(one.query)]!.rankingOf(one)[leg])))['ndcg@10']
    return [name, { questions: some.length, sparse: measured('sparse'), reranked: measured('rerank') }]
  })
  const evidenceOf = (one: Asked) => {
    const { rankingOf, answerable } = halves[halfOf(one.query)]!
    const features = featuresOf(one, rankingOf(one).rerank)
    return features && answerable.length > 0 ? 1 / (1 + Math.exp(-score(answerable, [1, ...features]))) : 0
  }
  return { 'ndcg@10': Object.fromEntries(ndcg), abstention: abstention(everything, evidenceOf) }
}

const shared = (all: readonly Asked[], ranking: Ranking) => all.map((one) => [one, ranking] as const)

function rankedBy(asked: Asked, weights: readonly number[]) {
  const { ids, rows } = listOf(asked)
  const ranked = rows.map((row, i) => ({ id: ids[i]!, score: score(weights, row.slice(0, weights.length)) }))
  ranked.sort((a, b) => b.score - a.score)
  return scoreRanking(
    ranked.map(({ id }) => id),
    new Set(asked.query.gold),
  )
}

/** By set, on documents as they are. */
function abstention(all: readonly Asked[], evidenceOf: (one: Asked) => number) {
  return [...new Set(all.map(({ set }) => set))].map((set) => {
    const evidence = (answerable: boolean) =>
      all
        .filter((one) => one.set === set && !one.masked && one.query.gold.length > 0 === answerable)
        .map(evidenceOf)
        .sort((a, b) => a - b)
    const [can, cannot] = [evidence(true), evidence(false)]
    const catches = (threshold: number) => ({
      minEvidence: threshold,
      loses: can.filter((one) => one < threshold).length / can.length,
      catches: cannot.filter((one) => one < threshold).length / cannot.length,
    })
    const strict = can[Math.floor(0.05 * can.length)] ?? 0
    const curve = [0.015, 0.05, 0.1, 0.2, 0.3].map(catches)
    return { set: set + 1, auc: areaUnderCurve(can, cannot), at5PercentLoss: catches(strict), curve }
  })
}

/** Questions about one article are in one half. */
function halfOf({ gold, title, text }: EvalQuery): 0 | 1 {
  let sum = 0
  for (const character of gold[0] ?? title ?? text) sum = (Math.imul(sum, 31) + character.charCodeAt(0)) >>> 0
  return ((sum >>> 4) & 1) as 0 | 1
}
