import type { HashedRow } from './guard-features.ts'
import { shuffle } from './intent-linear.ts'

/** `weights` may be of any numbers: `scale` times them is what counts. */
export type LinearWeights = { readonly weights: Float32Array | Int8Array; readonly scale: number; readonly bias: number }
export type BinaryModel = { readonly weights: Float32Array; readonly scale: 1; bias: number }
export type WeightedRow = { readonly row: HashedRow; readonly attack: boolean; readonly weight: number }

/** The raw score of one row; above 0 the model takes it for an attack. */
export function rawScore({ weights, scale, bias }: LinearWeights, { ids, values }: HashedRow): number {
  let sum = 0
  for (let at = 0; at < ids.length; at++) sum += weights[ids[at]!]! * values[at]!
  return sum * scale + bias
}

/**
 * L2-regularised squared-hinge support vector machine by dual coordinate descent (Hsieh et al. 2008), with a cost of its own for
 * every row, so that a few hand-written rows can balance thousands of alike ones. The same rows, order and random give the same model.
 */
export function trainBinary(
  rows: readonly WeightedRow[],
  { bits, cost, epochs, random }: { bits: number; cost: number; epochs: number; random: () => number },
): BinaryModel {
  const model: BinaryModel = { weights: new Float32Array(2 ** bits), scale: 1, bias: 0 }
  const duals = new Float64Array(rows.length)
  const squares = Float64Array.from(rows, ({ row }) => row.values.reduce((sum, value) => sum + value * value, 1))
  const order = Int32Array.from(rows.keys())
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, random)
    for (const at of order) {
      const { row, attack, weight } = rows[at]!
      const sign = attack ? 1 : -1
      const slack = 0.5 / (cost * weight)
      const gradient = sign * rawScore(model, row) - 1 + duals[at]! * slack
      const next = Math.max(0, duals[at]! - gradient / (squares[at]! + slack))
      const step = (next - duals[at]!) * sign
      if (Math.abs(step) < 1e-6) continue
      duals[at] = next
      for (let nth = 0; nth < row.ids.length; nth++) model.weights[row.ids[nth]!]! += step * row.values[nth]!
      model.bias += step
    }
  }
  return model
}

/** The same model in 8 bits a weight: the largest weight becomes 127, and one that rounds to nothing is nothing. */
export function quantise({ weights, bias }: BinaryModel): { weights: Int8Array; scale: number; bias: number } {
  const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0)
  const scale = largest / 127 || 1
  return { weights: Int8Array.from(weights, (weight) => Math.round(weight / scale)), scale, bias }
}
