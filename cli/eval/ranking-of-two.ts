/**
 * Area under the ROC curve: how often a random positive scores above a random negative, ties counting half (the Mann–Whitney
 * statistic), with the 95 % interval of Hanley and McNeil ("The meaning and use of the area under a ROC curve", Radiology 143, 1982).
 */
export function rocArea(scores: readonly number[], positive: readonly boolean[]): { auc: number; auc95: [number, number] } {
  const order = scores.map((_, at) => at).sort((a, b) => scores[a]! - scores[b]!)
  let positives = 0
  let rankSum = 0
  for (let from = 0; from < order.length; ) {
    let to = from
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) to++
    for (const at of order.slice(from, to)) {
      if (!positive[at]) continue
      positives++
      rankSum += (from + to + 1) / 2
    }
    from = to
  }
  const negatives = order.length - positives
  if (positives === 0 || negatives === 0) return { auc: Number.NaN, auc95: [Number.NaN, Number.NaN] }
  const auc = (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives)
  const q1 = auc / (2 - auc)
  const q2 = (2 * auc * auc) / (1 + auc)
  const variance =
    (auc * (1 - auc) + (positives - 1) * (q1 - auc * auc) + (negatives - 1) * (q2 - auc * auc)) / (positives * negatives)
  const reach = 1.96 * Math.sqrt(variance)
  return { auc, auc95: [Math.max(0, auc - reach), Math.min(1, auc + reach)] }
}

/** At a threshold: the mean of the two recalls, and F1 of the positive class. */
export function atThreshold(scores: readonly number[], positive: readonly boolean[], threshold: number) {
  const count = (said: boolean, is: boolean) =>
    scores.filter((score, at) => score >= threshold === said && positive[at] === is).length
  const [hits, misses, falseAlarms, rejections] = [count(true, true), count(false, true), count(true, false), count(false, false)]
  return {
    balancedAccuracy: (hits / Math.max(1, hits + misses) + rejections / Math.max(1, rejections + falseAlarms)) / 2,
    f1: hits === 0 ? 0 : (2 * hits) / (2 * hits + misses + falseAlarms),
  }
}
