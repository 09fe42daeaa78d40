import { createHash } from 'node:crypto'
import { contentTerms } from '#shared/text/tokenize.ts'
import { sendOpenAiRefusal } from './openai-chat.ts'
import { EmbeddingRequest, isEmbeddingModel, refusal, refusalOfIssues, unknownModel } from './openai-request.ts'
import { estimateTokens } from './tokens.ts'
import type { Handler } from './world.ts'

const OWN_DIMENSIONS: Readonly<Record<string, number>> = { 'text-embedding-3-small': 1_536, 'text-embedding-3-large': 3_072 }
const MAX_TEXT_TOKENS = 8_192
const MAX_REQUEST_TOKENS = 300_000

/** POST /v1/embeddings: hashed bags of words, so that texts with common words are near each other. */
export const openAiEmbeddings: Handler = async (exchange, body, world) => {
  const parsed = EmbeddingRequest.safeParse(body)
  if (!parsed.success) return sendOpenAiRefusal(exchange, world, refusalOfIssues(parsed.error))
  const { model, input, encoding_format, dimensions = OWN_DIMENSIONS[model] ?? 512 } = parsed.data
  if (!world.localModels.has(model) && !isEmbeddingModel(model)) return sendOpenAiRefusal(exchange, world, unknownModel(model))
  const texts = typeof input === 'string' ? [input] : input
  const tokens = texts.map(estimateTokens)
  const total = tokens.reduce((sum, count) => sum + count, 0)
  if (tokens.some((count) => count > MAX_TEXT_TOKENS) || total > MAX_REQUEST_TOKENS) {
    return sendOpenAiRefusal(exchange, world, refusal(400, 'Too many tokens in the input.', 'input', 'context_length_exceeded'))
  }
  world.meter.bill(model, { inputTokens: total, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 })
  const data = texts.map((text, index) => {
    const vector = wordVector(text, dimensions)
    const base64 = Buffer.from(vector.buffer).toString('base64')
    return { object: 'embedding', index, embedding: encoding_format === 'base64' ? base64 : [...vector] }
  })
  await exchange.whole({ object: 'list', data, model, usage: { prompt_tokens: total, total_tokens: total } }, 0)
}

function wordVector(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions)
  for (const term of contentTerms(text)) {
    const digest = createHash('sha256').update(term).digest()
    for (let i = 0; i < 8; i += 4) vector[digest.readUInt32LE(i) % dimensions]! += digest[16 + i]! % 2 ? 1 : -1
  }
  if (vector.every((value) => value === 0)) vector[0] = 1
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}
