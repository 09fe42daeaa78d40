export type LogisticFit = { readonly weights: readonly number[]; readonly covariance: readonly (readonly number[])[] }

const MAX_ROUNDS = 25
const SETTLED = 1e-7

/**
 * Logistic regression with a ridge penalty by Newton's method. The penalty keeps the weights finite where one line parts the
 * labels; the covariance is the inverse of the penalised information (Laplace).
 * @param rows features of one example each; the first is the constant 1, which is not penalised
 */
export function fitLogistic(rows: readonly (readonly number[])[], labels: readonly number[], ridge: number): LogisticFit {
  const size = rows[0]!.length
  let weights: number[] = Array(size).fill(0)
  let information = identity(size)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const gradient = weights.map((weight, i) => (i === 0 ? 0 : -ridge * weight))
    information = identity(size).map((row, i) => row.map((value) => value * (i === 0 ? 1e-6 : ridge)))
    for (const [n, row] of rows.entries()) addExample(row, labels[n]!, weights, gradient, information)
    const step = inverse(information).map((row) => dot(row, gradient))
    weights = weights.map((weight, i) => weight + step[i]!)
    if (Math.max(...step.map(Math.abs)) < SETTLED) break
  }
  return { weights, covariance: inverse(information) }
}

export const sigmoid = (z: number) => 1 / (1 + Math.exp(-z))
export const dot = (a: readonly number[], b: readonly number[]): number => {
  let total = 0
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!
  return total
}

function addExample(row: readonly number[], label: number, weights: number[], gradient: number[], information: number[][]): void {
  const p = sigmoid(dot(weights, row))
  const spread = p * (1 - p)
  for (let i = 0; i < row.length; i++) {
    gradient[i]! += (label - p) * row[i]!
    for (let j = 0; j < row.length; j++) information[i]![j]! += spread * row[i]! * row[j]!
  }
}

const identity = (size: number): number[][] =>
  Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => Number(i === j)))

/** Gauss and Jordan with pivots; the matrix is small and positive definite. */
function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length
  const rows = matrix.map((row, i) => [...row, ...identity(size)[i]!])
  for (let i = 0; i < size; i++) {
    const pivot = rows.slice(i).reduce((best, row, at) => (Math.abs(row[i]!) > Math.abs(rows[best]![i]!) ? i + at : best), i)
    ;[rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!]
    const head = rows[i]![i]! || 1e-12
    rows[i] = rows[i]!.map((value) => value / head)
    for (let k = 0; k < size; k++) {
      const factor = rows[k]![i]!
      if (k !== i && factor !== 0) rows[k] = rows[k]!.map((value, j) => value - factor * rows[i]![j]!)
    }
  }
  return rows.map((row) => row.slice(size))
}
