import { readFileSync } from 'node:fs'
import * as z from 'zod'
import type { LinearWeights } from './guard-linear.ts'

const Channel = z.object({
  bits: z.int().min(10).max(20),
  scale: z.number().positive(),
  bias: z.number(),
  /** The raw score from which a text counts as suspicious; chosen on held-out folds. */
  threshold: z.number(),
})
const Header = z.object({ version: z.int(), trainedOn: z.string(), message: Channel, document: Channel })
export type WeightsHeader = z.infer<typeof Header>

export type GuardModel = LinearWeights & { readonly bits: number; readonly threshold: number }
export type GuardModels = { readonly message: GuardModel; readonly document: GuardModel; readonly header: WeightsHeader }

/** One line of JSON, then the weights of both channels as signed bytes. */
export function encodeWeights(header: WeightsHeader, message: Int8Array, document: Int8Array): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), Buffer.from(message), Buffer.from(document)])
}

/** @throws when the file is damaged: a guard that guesses would be worse than none */
export function decodeWeights(file: Buffer): GuardModels {
  const newline = file.indexOf(0x0a)
  const header = Header.parse(JSON.parse(file.toString('utf8', 0, newline)))
  const messageSize = 2 ** header.message.bits
  const weights = file.subarray(newline + 1)
  if (weights.length !== messageSize + 2 ** header.document.bits) throw new Error('the guard weights are incomplete')
  const bytes = (from: number, to: number) => new Int8Array(weights.buffer, weights.byteOffset + from, to - from)
  return {
    header,
    message: { ...header.message, weights: bytes(0, messageSize) },
    document: { ...header.document, weights: bytes(messageSize, weights.length) },
  }
}

export const WEIGHTS_FILE = new URL('./guard-weights.bin', import.meta.url)
let shipped: GuardModels | undefined
export function shippedWeights(): GuardModels {
  shipped ??= decodeWeights(readFileSync(WEIGHTS_FILE))
  return shipped
}
