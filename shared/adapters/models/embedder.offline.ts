import { createHash } from 'node:crypto'
import * as z from 'zod'
import { type Failure, Parked, retryable, terminal } from '#shared/domain/failure.ts'
import type { Prices } from '#shared/domain/price.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { Embedder, EmbeddingFor } from '#shared/ports/embedder.ts'
import type { Journal } from '#shared/ports/journal.ts'
import { batchesOf } from './embedder.openai.ts'
import { unitLength } from './embedding-models.ts'
import { orUnavailable } from './failed-calls.ts'
import { isOffline, type OfflineParts, offlineState, spillOffline } from './offline-call.ts'

export type OfflineEmbedderOptions = OfflineParts & {
  readonly journal: Pick<Journal, 'find'>
  readonly prices: Prices
  /** e.g. `text-embedding-3-small`; the same as that of the embedder within. */
  readonly model: string
}

const PROMPT = { id: 'embed', version: 1, hash: '' }
const BYTES_PER_TOKEN = 4
const Vectors = z.array(z.base64())

/**
 * The same for embeddings: texts of a run in the offline lane wait for a batch. Queries do not: they are a few words, cost next to
 * nothing, and a day of waiting each would be the price. All texts are asked for before the run parks, so one wait is enough.
 */
export function createOfflineEmbedder(inner: Embedder, options: OfflineEmbedderOptions): Embedder {
  const { model, prices, clock, journal } = options

  async function vectorsOf(texts: readonly string[], owner: EmbeddingFor): Promise<Float32Array[] | 'now'> {
    const body = JSON.stringify({ model, input: texts, dimensions: inner.dimensions, encoding_format: 'base64' })
    const { tenantId, runId, step, visit, customerId } = owner
    const key = { tenantId, runId, step, visit, requestHash: createHash('sha256').update(body).digest('hex') }
    const inputTokens = Math.ceil(Buffer.byteLength(body) / BYTES_PER_TOKEN)
    const state = await offlineState(
      {
        key,
        task: 'embed',
        tier: 'cheap',
        prompt: PROMPT,
        ...(customerId === undefined ? {} : { customerId }),
        provider: 'openai',
        model,
        inputTokens,
        worstUsd: prices.costUsd(model, { ...NO_USAGE, inputTokens: Buffer.byteLength(body) }, clock.now(), { batch: true }),
        deadlineAt: owner.deadlineAt,
        prepare: () => ({ endpoint: '/v1/embeddings', body }),
      },
      options,
    )
    if (state === 'now') return 'now'
    const known = await orUnavailable(journal.find(key))
    const vectors = known && decode(known.result.text, texts.length, inner.dimensions)
    if (vectors) return vectors
    await spillOffline(key, BAD_REPLY, options)
    return 'now'
  }

  return {
    id: inner.id,
    dimensions: inner.dimensions,
    async embed(texts, kind, signal, owner) {
      if (kind === 'query' || texts.length === 0 || !owner || !isOffline(owner)) return inner.embed(texts, kind, signal, owner)
      signal.throwIfAborted()
      const parts = batchesOf(texts)
      const states = await Promise.allSettled(parts.map((part) => vectorsOf(part, owner)))
      const failed = states.filter((state) => state.status === 'rejected').map(({ reason }) => reason)
      if (failed.length > 0) throw failed.find((reason) => !(reason instanceof Parked)) ?? failed[0]
      const vectors: Float32Array[] = []
      for (const [i, state] of states.entries()) {
        const value = (state as PromiseFulfilledResult<Float32Array[] | 'now'>).value
        vectors.push(...(value === 'now' ? await inner.embed(parts[i]!, kind, signal, owner) : value))
      }
      if (vectors.length !== texts.length) throw terminal('provider-bad-reply', 'not a vector for every text')
      return vectors
    },
  }
}

const BAD_REPLY: Failure = retryable('provider-bad-reply', 'the batch brought vectors of another shape').failure

/** @returns undefined when it is not `count` vectors of that many dimensions */
function decode(text: string, count: number, dimensions: number): Float32Array[] | undefined {
  const parsed = Vectors.safeParse(jsonOf(text))
  if (!parsed.success || parsed.data.length !== count) return undefined
  const vectors = parsed.data.map((base64) => {
    const bytes = Uint8Array.from(Buffer.from(base64, 'base64'))
    return new Float32Array(bytes.buffer, 0, Math.floor(bytes.length / 4))
  })
  return vectors.every(({ length }) => length === dimensions) ? vectors.map((vector) => unitLength(vector)) : undefined
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
