import { toStreamingFile } from 'openai'
import type { Batch } from 'openai/resources/batches'
import type { CreateEmbeddingResponse } from 'openai/resources/embeddings'
import * as z from 'zod'
import { customIdOf } from '#shared/domain/batch.ts'
import type { Prices } from '#shared/domain/price.ts'
import type { BatchProvider, BatchResult, RemoteBatch, Submission } from '#shared/ports/batch-provider.ts'
import type { Clock } from '#shared/ports/clock.ts'
import { eachLine, errorResult, inPieces, resultOf, SENT_ONCE } from './batch-result.ts'
import { bodyOf, failureOfOpenAi, OPENAI_DIALECT, openAiClient, takeCompletion } from './llm.openai.ts'
import { resultLines } from './result-lines.ts'
import { type CallFrame, newArrival } from './settle-reply.ts'

export type BatchProviderOptions = {
  readonly apiKey: string
  readonly baseUrl?: string | undefined
  readonly prices: Prices
  readonly clock: Clock
}

const PROVIDER = 'openai'
/** Our id of a batch, in its metadata: what reconciliation looks for. */
const METADATA_KEY = 'answerline_batch'
const CALL_TIMEOUT_MS = 60_000
const UPLOAD_TIMEOUT_MS = 30 * 60_000
/** Files that a crash left behind go by themselves. */
const EXPIRES = { anchor: 'created_at', seconds: 7 * 86_400 } as const
const LIST_PAGE = 100
const PHASES: Readonly<Record<Batch['status'], RemoteBatch['phase']>> = {
  validating: 'working',
  in_progress: 'working',
  finalizing: 'working',
  cancelling: 'working',
  failed: 'rejected',
  completed: 'ended',
  expired: 'ended',
  cancelled: 'ended',
}

const Line = z.object({
  custom_id: z.string(),
  response: z.object({ status_code: z.int(), body: z.unknown() }).nullish(),
  error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
})
const ErrorBody = z.object({
  error: z.object({ code: z.string().nullish(), type: z.string().nullish(), message: z.string().nullish() }),
})

/** OpenAI's Batch API: a file of lines, a batch that names it, and files of results (at most 50,000 requests, 200 MB, one model). */
export function createOpenAiBatchProvider(options: BatchProviderOptions): BatchProvider {
  const { clock } = options
  const client = openAiClient(options)
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw failureOfOpenAi(error, clock.now(), false) ?? error
    }
  }
  const call = (signal: AbortSignal) => ({ signal, timeout: CALL_TIMEOUT_MS })

  return {
    name: PROVIDER,
    limits: { maxRequests: 50_000, maxBytes: 200_000_000 },
    prepare: (request, model) => ({
      endpoint: '/v1/chat/completions',
      body: JSON.stringify(bodyOf(request, model, OPENAI_DIALECT)),
    }),
    upload: (submission, signal) =>
      guarded(async () => {
        const file = toStreamingFile(inPieces(linesOf(submission)), `${submission.batchId}.jsonl`, { type: 'application/jsonl' })
        const sending = { signal, timeout: UPLOAD_TIMEOUT_MS, fetchOptions: SENT_ONCE }
        return (await client.files.create({ file, purpose: 'batch', expires_after: EXPIRES }, sending)).id
      }),
    newest: (signal) => guarded(async () => (await client.batches.list({ limit: 1 }, call(signal))).data[0]?.id ?? null),
    create: ({ batchId, endpoint }, fileId, signal) =>
      guarded(async () => {
        if (endpoint === '/v1/messages') throw new TypeError('OpenAI has no /v1/messages')
        const metadata = { [METADATA_KEY]: batchId }
        const batch = { input_file_id: fileId ?? '', endpoint, completion_window: '24h', metadata } as const
        return remoteOf(await client.batches.create({ ...batch, output_expires_after: EXPIRES }, call(signal)))
      }),
    find: ({ batchId }, marker, _isKnown, signal) =>
      guarded(async () => {
        let found: Batch | undefined
        for await (const batch of client.batches.list({ limit: LIST_PAGE }, call(signal))) {
          if (batch.id === marker) break
          if (batch.metadata?.[METADATA_KEY] !== batchId) continue
          // Two of one id: somebody who had lost its lease created once more. The first stays, the later one must not cost.
          if (found) await client.batches.cancel(found.id, call(signal)).catch(() => {})
          found = batch
        }
        return found ? { kind: 'found', batch: remoteOf(found) } : { kind: 'none' }
      }),
    read: (remoteId, signal) => guarded(async () => remoteOf(await client.batches.retrieve(remoteId, call(signal)))),
    cancel: (remoteId, signal) => guarded(async () => void (await client.batches.cancel(remoteId, call(signal)))),
    async *results(batch, { model }, signal) {
      const frame = {
        provider: PROVIDER,
        model,
        prices: options.prices,
        clock,
        startedAt: clock.now(),
        usageRequired: true,
        batch: true,
      }
      for (const ref of batch.resultRefs) {
        const response = await guarded(() => client.files.content(ref, { signal, timeout: CALL_TIMEOUT_MS }))
        for await (const text of resultLines(response, signal)) yield parseLine(text, frame)
      }
    },
    async tidy(batch, fileId, signal) {
      const files = [...(fileId === null ? [] : [fileId]), ...(batch?.resultRefs ?? [])]
      await Promise.allSettled(files.map((file) => client.files.delete(file, call(signal))))
    },
  }
}

const linesOf = ({ batchId, endpoint, lines }: Submission) =>
  eachLine(lines(), ({ id, body }) => {
    const customId = customIdOf(batchId, id)
    return `{"custom_id":"${customId}","method":"POST","url":"${endpoint}","body":${body}}\n`
  })

function remoteOf(batch: Batch): RemoteBatch {
  return {
    id: batch.id,
    // A status that is not known yet is one to wait for.
    phase: PHASES[batch.status] ?? 'working',
    status: batch.status,
    completed: (batch.request_counts?.completed ?? 0) + (batch.request_counts?.failed ?? 0),
    problems: (batch.errors?.data ?? []).map(({ code, message, line }) => ({
      code: code ?? 'unknown',
      message: message ?? '',
      ...(typeof line === 'number' ? { line } : {}),
    })),
    resultRefs: [batch.output_file_id, batch.error_file_id].flatMap((id) => (id ? [id] : [])),
  }
}

function parseLine(text: string | undefined, frame: CallFrame): BatchResult {
  const line = Line.safeParse(jsonOf(text))
  if (!line.success) return { kind: 'malformed' }
  const { custom_id: customId, response, error } = line.data
  if (response?.status_code === 200) {
    const arrival = newArrival()
    if (isEmbedding(response.body)) takeEmbeddings(response.body, arrival)
    else takeCompletion(response.body as never, arrival)
    return resultOf(customId, arrival, frame)
  }
  if (response) {
    const body = ErrorBody.safeParse(response.body).data?.error
    const message = body?.message ?? `status ${response.status_code}`
    return errorResult(customId, response.status_code, body?.code ?? body?.type ?? undefined, message)
  }
  const code = error?.code ?? 'unknown'
  if (code === 'batch_expired' || code === 'batch_cancelled') return { kind: 'unserved', customId, code: code.replace('_', '-') }
  return errorResult(customId, undefined, code, error?.message ?? code)
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}

const isEmbedding = (body: unknown): body is CreateEmbeddingResponse =>
  typeof body === 'object' && body !== null && Array.isArray((body as { data?: unknown }).data)

/** The vectors as JSON: base64 of their 32-bit floats, in the order of the texts. */
function takeEmbeddings({ data, usage }: CreateEmbeddingResponse, arrival: ReturnType<typeof newArrival>): void {
  arrival.events++
  arrival.stop = 'complete'
  const vectors = data.toSorted((a, b) => a.index - b.index).map(({ embedding }) => embedding as number[] | string)
  arrival.text = JSON.stringify(
    vectors.map((vector) =>
      typeof vector === 'string' ? vector : Buffer.from(Float32Array.from(vector).buffer).toString('base64'),
    ),
  )
  if (usage) arrival.usage = { inputTokens: usage.prompt_tokens, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 }
}
