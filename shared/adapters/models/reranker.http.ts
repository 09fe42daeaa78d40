import * as z from 'zod'
import { retryable, type StepFailure } from '#shared/domain/failure.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Candidate, Reranker } from '#shared/ports/reranker.ts'
import { callLimits, watchCall, withoutWatchdog } from './call-watch.ts'
import { failureOfVendor, retryAfterMsOf } from './provider-failure.ts'

export type HttpRerankerOptions = {
  /** The whole address, e.g. `http://localhost:8000/v1/rerank`. */
  readonly url: string
  readonly model?: string | undefined
  readonly apiKey?: string | undefined
  readonly clock: Pick<Clock, 'now'>
  readonly deadlineMs?: number
}

const Score = z.object({ index: z.int().nonnegative(), relevance_score: z.number() })
/** Cohere, vLLM, Jina, llama.cpp: `{results: [{index, relevance_score}]}`; Text Embeddings Inference: `[{index, score}]`. */
const Reply = z.union([
  z.object({ results: z.array(Score) }).transform(({ results }) => results),
  z
    .array(z.object({ index: z.int().nonnegative(), score: z.number() }))
    .transform((scores) => scores.map(({ index, score }) => ({ index, relevance_score: score }))),
])

const MAX_PASSAGE_CHARACTERS = 8_000
/** Servers of the two kinds call the passages differently, and refuse the other's name with one of these. */
const WRONG_SHAPE = new Set([400, 422])

/** A reranking model behind HTTP. Which of the two dialects the server speaks is found out with the first call. */
export function createHttpReranker(options: HttpRerankerOptions): Reranker {
  const { url, model } = options
  let dialect: 'documents' | 'texts' = 'documents'
  return {
    id: `http-${model ?? new URL(url).host}`,
    async rerank(query, candidates, signal) {
      if (candidates.length === 0) return []
      const passages = candidates.map(passageOf)
      const ask = (name: typeof dialect) => post(options, { query, [name]: passages, ...(model ? { model } : {}) }, signal)
      let response = await ask(dialect)
      if (WRONG_SHAPE.has(response.status)) {
        const other = dialect === 'documents' ? 'texts' : 'documents'
        const second = await ask(other)
        if (second.status === 200) dialect = other
        if (!WRONG_SHAPE.has(second.status)) response = second
      }
      if (response.status !== 200) throw failureOf(response, options.clock.now())
      return scoresOf(response.body, candidates.length)
    },
  }
}

const passageOf = ({ chunk }: Candidate): string =>
  [chunk.title, chunk.section.join(' > '), chunk.text].filter(Boolean).join('\n').slice(0, MAX_PASSAGE_CHARACTERS).toWellFormed()

type Answer = { readonly status: number; readonly headers: Headers; readonly body: string }

async function post(
  { url, apiKey, deadlineMs = 3_000 }: HttpRerankerOptions,
  body: object,
  signal: AbortSignal,
): Promise<Answer> {
  const headers = { 'content-type': 'application/json', ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}) }
  try {
    return await watchCall(signal, withoutWatchdog(callLimits({ deadlineMs })), async (watch) => {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
        signal: watch.signal,
        redirect: 'error',
      })
      return { status: response.status, headers: response.headers, body: await response.text() }
    })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if ((error as StepFailure).failure) throw error
    throw retryable(
      'provider-unavailable',
      `the reranker does not answer: ${String((error as Error).cause ?? error)}`,
      undefined,
      error,
    )
  }
}

const failureOf = ({ status, headers, body }: Answer, now: Date): StepFailure =>
  failureOfVendor(
    {
      status,
      code: undefined,
      message: `the reranker answered ${status}: ${body.slice(0, 300)}`,
      retryAfterMs: retryAfterMsOf(headers, now),
    },
    undefined,
  )

function scoresOf(body: string, count: number): number[] {
  const scores = new Array<number | undefined>(count).fill(undefined)
  for (const { index, relevance_score } of parsed(body)) if (index < count) scores[index] = relevance_score
  if (scores.includes(undefined)) throw retryable('provider-bad-reply', `the reranker did not score all ${count} passages`)
  return scores as number[]
}

function parsed(body: string): z.output<typeof Reply> {
  try {
    return Reply.parse(JSON.parse(body))
  } catch (error) {
    throw retryable('provider-bad-reply', 'the reranker answered in a form that is not known', undefined, error)
  }
}
