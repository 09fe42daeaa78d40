/** The value below which a share `q` of the sorted values lies (nearest rank). */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new TypeError('a quantile of nothing')
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))]!
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (quantile(sorted, 0.5) + sorted[middle]!) / 2
}

/** Four significant digits: more of them would be noise. */
export const rounded = (value: number): number => Number(value.toPrecision(4))
