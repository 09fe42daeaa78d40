/** Measures of one ranking against the documents that answer; all are 0..1. */
export type RankingScores = { 'ndcg@10': number; 'recall@5': number; 'recall@20': number; 'mrr@10': number }

/** @param ranking documents, best first, without repeats @param gold at least one */
export function scoreRanking(ranking: readonly string[], gold: ReadonlySet<string>): RankingScores {
  const found = (depth: number) => ranking.slice(0, depth).filter((id) => gold.has(id)).length / gold.size
  const first = ranking.slice(0, 10).findIndex((id) => gold.has(id))
  return {
    'ndcg@10': ndcg(ranking, gold, 10),
    'recall@5': found(5),
    'recall@20': found(20),
    'mrr@10': first < 0 ? 0 : 1 / (first + 1),
  }
}

/** Normalised discounted cumulative gain with binary relevance (Järvelin & Kekäläinen, TOIS 20(4), 2002). */
function ndcg(ranking: readonly string[], gold: ReadonlySet<string>, depth: number): number {
  const discount = (at: number) => 1 / Math.log2(at + 2)
  let gained = 0
  ranking.slice(0, depth).forEach((id, at) => {
    if (gold.has(id)) gained += discount(at)
  })
  let ideal = 0
  for (let at = 0; at < Math.min(gold.size, depth); at++) ideal += discount(at)
  return gained / ideal
}

export function meanScores(all: readonly RankingScores[]): RankingScores {
  const mean = (key: keyof RankingScores) => Number((all.reduce((sum, one) => sum + one[key], 0) / all.length).toFixed(4))
  return { 'ndcg@10': mean('ndcg@10'), 'recall@5': mean('recall@5'), 'recall@20': mean('recall@20'), 'mrr@10': mean('mrr@10') }
}

/**
 * The area under the ROC curve: how often a positive scores above a negative, ties counting half (Mann–Whitney U).
 * @returns NaN when one side is empty
 */
export function areaUnderCurve(positives: readonly number[], negatives: readonly number[]): number {
  const all = [...positives.map((score) => ({ score, positive: 1 })), ...negatives.map((score) => ({ score, positive: 0 }))]
  all.sort((a, b) => a.score - b.score)
  let rankSum = 0
  for (let start = 0; start < all.length; ) {
    let end = start + 1
    while (end < all.length && all[end]!.score === all[start]!.score) end++
    for (let i = start; i < end; i++) rankSum += all[i]!.positive * ((start + 1 + end) / 2)
    start = end
  }
  const pairs = positives.length * negatives.length
  return (rankSum - (positives.length * (positives.length + 1)) / 2) / pairs
}

export function percentile(values: readonly number[], share: number, digits = 2): number {
  const sorted = [...values].sort((a, b) => a - b)
  return Number((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(digits))
}
