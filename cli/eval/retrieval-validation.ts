import { areaUnderCurve, meanScores, scoreRanking } from './ranking-metrics.ts'
import { type Asked, hashed } from './retrieval-asked.ts'
import { featuresOf, learnAbstention, learnRanking, type Ranking, rankedBy, score } from './retrieval-learning.ts'

export type Group = { readonly name: string; readonly all: readonly Asked[]; readonly decay: number }
export type Learned = { readonly rankingOf: (one: Asked) => Ranking; readonly answerable: readonly number[] }

const FOLDS = 5

/** One ranking by group, one model of evidence for all. */
export function learn(groups: readonly Group[], from: (all: readonly Asked[]) => readonly Asked[] = (all) => all) {
  const rankings = groups.map(({ name, all, decay }) => ({ name, all, ranking: learnRanking(from(all), decay) }))
  const byOne = new Map(rankings.flatMap(({ all, ranking }) => all.map((one) => [one, ranking] as const)))
  const rankingOf = (one: Asked) => byOne.get(one)!
  return { rankings, rankingOf, answerable: learnAbstention(from(groups.flatMap(({ all }) => all)), rankingOf) }
}

/** Each fifth of the articles judged by what the others teach: what the weights promise of other questions. */
export function crossValidate(groups: readonly Group[], onFold: (fold: number) => void = () => {}) {
  const folds = Array.from({ length: FOLDS }, (_, fold) => {
    onFold(fold)
    return learn(groups, (all) => all.filter(({ query }) => foldOf(query) !== fold))
  })
  return measured(groups, (one) => folds[foldOf(one.query)]!)
}

export function measured(groups: readonly Group[], learnedFor: (one: Asked) => Learned) {
  const everything = groups.flatMap(({ all }) => all)
  const ranked = everything.filter(({ query, use }) => query.gold.length > 0 && use !== 'abstention')
  const nameOf = ({ set, query }: Asked) => `${set + 1}:${query.kind}`
  const names = [...new Set(ranked.map(nameOf)), ...new Set(ranked.map(({ set }) => `${set + 1}:`))]
  const ndcg = names.map((name) => {
    const some = ranked.filter((one) => nameOf(one) === name || name === `${one.set + 1}:`)
    const mean = (leg: 'sparse' | 'rerank') => meanScores(some.map((one) => scoresOf(one, learnedFor(one), leg)))['ndcg@10']
    return [name, { questions: some.length, sparse: mean('sparse'), reranked: mean('rerank') }]
  })
  const evidenceOf = (one: Asked) => {
    const { rankingOf, answerable } = learnedFor(one)
    const features = featuresOf(one, rankingOf(one))
    return features && answerable.length > 0 ? 1 / (1 + Math.exp(-score(answerable, [1, ...features]))) : 0
  }
  return { 'ndcg@10': Object.fromEntries(ndcg), abstention: abstention(everything, evidenceOf) }
}

function scoresOf(one: Asked, { rankingOf }: Learned, leg: 'sparse' | 'rerank') {
  const ids = rankedBy(one, rankingOf(one), leg).map(({ id }) => id)
  return scoreRanking([...new Set(ids)], new Set(one.query.gold))
}

/** By set, on documents as they are. */
function abstention(all: readonly Asked[], evidenceOf: (one: Asked) => number) {
  return [...new Set(all.map(({ set }) => set))].map((set) => {
    const some = all.filter((one) => one.set === set && !one.masked)
    const evidence = (answerable: boolean) =>
      some
        .filter(({ query }) => query.gold.length > 0 === answerable)
        .map(evidenceOf)
        .sort((a, b) => a - b)
    const [can, cannot] = [evidence(true), evidence(false)]
    const catches = (threshold: number) => ({
      minEvidence: threshold,
      loses: can.filter((one) => one < threshold).length / can.length,
      catches: cannot.filter((one) => one < threshold).length / cannot.length,
    })
    const curve = [0.05, 0.1, 0.2, 0.3, 0.5].map(catches)
    const strict = can[Math.floor(0.05 * can.length)] ?? 0
    const documents = some[0]?.documents
    return { set: set + 1, documents, auc: areaUnderCurve(can, cannot), at5PercentLoss: catches(strict), curve }
  })
}

/** Questions about one article are in one fold. */
const foldOf = ({ gold, title, text }: Asked['query']) => hashed(gold[0] ?? title ?? text) % FOLDS
