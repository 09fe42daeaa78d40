import type OpenAI from 'openai'
import { retryable } from '#shared/domain/failure.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Embedder, EmbeddingFor } from '#shared/ports/embedder.ts'
import { type CallLimitOptions, callLimits, watchCall, withoutWatchdog } from './call-watch.ts'
import { prefixed, profileOf, unitLength } from './embedding-models.ts'
import { failureOfOpenAi, openAiClient } from './llm.openai.ts'

export type OpenAiEmbedderOptions = {
  readonly apiKey: string
  readonly baseUrl?: string | undefined
  /** e.g. `text-embedding-3-small` */
  readonly model: string
  /** Shorter vectors than the model's own where it was trained for that (Matryoshka); part of the embedder's id. */
  readonly dimensions: number
  readonly clock: Clock
  readonly limits?: CallLimitOptions
  /** Told after every request; embeddings are billed by input tokens. */
  readonly onUsage?: (usage: { readonly model: string; readonly inputTokens: number }) => void
}

/** OpenAI's limits: at most 2,048 texts and 300,000 tokens a request. */
const MAX_TEXTS = 2_048
/** A character is never more than a token in practice, so this many characters stay within 300,000 tokens whatever the language. */
const MAX_CHARACTERS = 300_000
/** Of one text; 8,192 tokens at the worst rate of a token a character. */
const MAX_TEXT_CHARACTERS = 8_192

/** Embeds with OpenAI's embeddings endpoint (or a compatible one), in as few requests as its limits allow. */
export function createOpenAiEmbedder(options: OpenAiEmbedderOptions): Embedder {
  const { model, dimensions, clock, onUsage } = options
  const limits = withoutWatchdog(callLimits({ deadlineMs: 60_000, ...options.limits }))
  const client = openAiClient(options)
  const profile = profileOf(model)
  // OpenAI shortens vectors itself; other servers refuse a field they do not know, so there the front of the vector is taken here.
  const shorten = model.startsWith('text-embedding-3') ? { dimensions } : {}

  async function embedBatch(texts: readonly string[], signal: AbortSignal, owner?: EmbeddingFor): Promise<Float32Array[]> {
    try {
      const response = await watchCall(signal, limits, (watch) =>
        client.embeddings.create({ model, ...shorten, input: [...texts] }, { signal: watch.signal }),
      )
      const inputTokens = response?.usage?.prompt_tokens ?? 0
      onUsage?.({ model, inputTokens })
      owner?.onBilled?.(inputTokens)
      return vectorsOf(response, texts.length, dimensions, profile.matryoshka)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw failureOfOpenAi(error, clock.now(), false) ?? error
    }
  }

  return {
    id: `openai-${model}-${dimensions}`,
    dimensions,
    async embed(texts, kind, signal, owner) {
      const vectors: Float32Array[] = []
      for (const batch of batchesOf(prefixed(texts, kind, profile))) vectors.push(...(await embedBatch(batch, signal, owner)))
      return vectors
    },
  }
}

/** Cuts what is too long for the model and groups the rest. An empty text is refused by the API: it is sent as a space. */
export function batchesOf(texts: readonly string[]): string[][] {
  const batches: string[][] = []
  let characters = Number.POSITIVE_INFINITY
  for (const text of texts) {
    const fitting = text.slice(0, MAX_TEXT_CHARACTERS).toWellFormed() || ' '
    characters += fitting.length
    if (characters > MAX_CHARACTERS || batches.at(-1)!.length >= MAX_TEXTS) {
      batches.push([])
      characters = fitting.length
    }
    batches.at(-1)!.push(fitting)
  }
  return batches
}

function vectorsOf(
  response: OpenAI.CreateEmbeddingResponse | undefined,
  count: number,
  dimensions: number,
  mayShorten: boolean,
): Float32Array[] {
  const vectors = new Array<Float32Array>(count)
  for (const { index, embedding } of response?.data ?? []) {
    if (!mayShorten && embedding.length !== dimensions) continue
    vectors[index] = unitLength(embedding, dimensions)
  }
  for (let i = 0; i < count; i++) {
    if (vectors[i]?.length !== dimensions) throw retryable('provider-bad-reply', `no vector of ${dimensions} for text ${i}`)
  }
  return vectors
}
