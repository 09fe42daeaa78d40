import type { MessageBatch } from '@anthropic-ai/sdk/resources/messages/batches'
import * as z from 'zod'
import { customIdOf, requestIdOf } from '#shared/domain/batch.ts'
import type { BatchProvider, BatchResult, Found, RemoteBatch, Submission } from '#shared/ports/batch-provider.ts'
import type { BatchProviderOptions } from './batch-provider.openai.ts'
import { eachLine, errorResult, inPieces, resultOf, SENT_ONCE } from './batch-result.ts'
import { anthropicClient, bodyOf, failureOfAnthropic, takeMessage } from './llm.anthropic.ts'
import { resultLines } from './result-lines.ts'
import { type CallFrame, newArrival } from './settle-reply.ts'

const PROVIDER = 'anthropic'
const BATCHES = '/v1/messages/batches'
const CALL_TIMEOUT_MS = 60_000
const UPLOAD_TIMEOUT_MS = 30 * 60_000
const LIST_PAGE = 100

const Line = z.object({
  custom_id: z.string(),
  result: z.discriminatedUnion('type', [
    z.object({ type: z.literal('succeeded'), message: z.unknown() }),
    z.object({
      type: z.literal('errored'),
      error: z.object({ error: z.object({ type: z.string(), message: z.string().nullish() }) }),
    }),
    z.object({ type: z.literal('expired') }),
    z.object({ type: z.literal('canceled') }),
  ]),
})

/**
 * Anthropic's Message Batches: one request that carries all others (at most 100,000, 256 MB), and a stream of results. Its batches
 * have no metadata, so every custom id begins with our id of the batch, and that is how one of unknown origin is told by its results.
 */
export function createAnthropicBatchProvider(options: BatchProviderOptions): BatchProvider {
  const { clock } = options
  const client = anthropicClient(options)
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw failureOfAnthropic(error, clock.now(), false) ?? error
    }
  }
  const call = (signal: AbortSignal) => ({ signal, timeout: CALL_TIMEOUT_MS })
  async function* resultTexts(remoteId: string, signal: AbortSignal) {
    // The SDK's own reader ends at the first line that it cannot parse; the others after it are paid for, too.
    const response = await guarded(() => client.get(`${BATCHES}/${remoteId}/results`, call(signal)).asResponse())
    yield* resultLines(response, signal)
  }

  return {
    name: PROVIDER,
    limits: { maxRequests: 100_000, maxBytes: 256_000_000 },
    prepare: (request, model) => ({ endpoint: '/v1/messages', body: JSON.stringify(bodyOf(request, model)) }),
    upload: async () => null,
    newest: (signal) => guarded(async () => (await client.messages.batches.list({ limit: 1 }, call(signal))).data[0]?.id ?? null),
    create: (submission, _fileId, signal) =>
      guarded(async () => {
        // `batches.create` takes all requests as objects in memory; the same call with a body that is read as it is sent does not.
        const body = ReadableStream.from(inPieces(requestsOf(submission)))
        const headers = { 'content-type': 'application/json' }
        const sending = { signal, timeout: UPLOAD_TIMEOUT_MS, fetchOptions: SENT_ONCE }
        return remoteOf(await client.post<MessageBatch>(BATCHES, { body, headers, ...sending }))
      }),
    find: ({ batchId, requests }, marker, isKnown, signal) =>
      guarded(async () => {
        const candidates: MessageBatch[] = []
        for await (const batch of client.messages.batches.list({ limit: LIST_PAGE }, call(signal))) {
          if (batch.id === marker) break
          if (totalOf(batch) === requests) candidates.push(batch)
        }
        const known = await isKnown(candidates.map(({ id }) => id))
        const strangers = candidates.filter(({ id }) => !known.has(id))
        return recognise(strangers, batchId, (id) => resultTexts(id, signal))
      }),
    read: (remoteId, signal) =>
      guarded(async () => remoteOf(await client.messages.batches.retrieve(remoteId, null, call(signal)))),
    cancel: (remoteId, signal) => guarded(async () => void (await client.messages.batches.cancel(remoteId, null, call(signal)))),
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
      for await (const text of resultTexts(batch.id, signal)) yield parseLine(text, frame)
    },
    async tidy(batch, _fileId, signal) {
      if (batch) await client.messages.batches.delete(batch.id, null, call(signal)).catch(() => {})
    },
  }
}

const requestsOf = async function* ({ batchId, lines }: Submission) {
  yield '{"requests":['
  yield* eachLine(
    lines(),
    ({ id, body }, first) => `${first ? '' : ','}{"custom_id":"${customIdOf(batchId, id)}","params":${body}}`,
  )
  yield ']}'
}

const totalOf = ({ request_counts: n }: MessageBatch) => n.processing + n.succeeded + n.errored + n.canceled + n.expired

/**
 * Which of the batches that nobody knows is the one. Only results tell, so one that has none yet might be it: until it has, nothing
 * is created again.
 */
async function recognise(
  strangers: readonly MessageBatch[],
  batchId: string,
  results: (remoteId: string) => AsyncIterable<string | undefined>,
): Promise<Found> {
  for (const batch of strangers.filter(({ processing_status }) => processing_status === 'ended')) {
    for await (const text of results(batch.id)) {
      const customId = Line.safeParse(jsonOf(text)).data?.custom_id
      if (customId === undefined) continue
      if (requestIdOf(customId, batchId) !== undefined) return { kind: 'found', batch: remoteOf(batch) }
      break
    }
  }
  return strangers.some(({ processing_status }) => processing_status !== 'ended') ? { kind: 'unsure' } : { kind: 'none' }
}

function remoteOf(batch: MessageBatch): RemoteBatch {
  const ended = batch.processing_status === 'ended'
  return {
    id: batch.id,
    phase: ended ? 'ended' : 'working',
    status: batch.processing_status,
    completed: totalOf(batch) - batch.request_counts.processing,
    problems: [],
    resultRefs: ended ? [batch.id] : [],
  }
}

function parseLine(text: string | undefined, frame: CallFrame): BatchResult {
  const line = Line.safeParse(jsonOf(text))
  if (!line.success) return { kind: 'malformed' }
  const { custom_id: customId, result } = line.data
  if (result.type === 'expired') return { kind: 'unserved', customId, code: 'batch-expired' }
  if (result.type === 'canceled') return { kind: 'unserved', customId, code: 'batch-cancelled' }
  if (result.type === 'errored') {
    const { type, message } = result.error.error
    return errorResult(customId, undefined, type, message ?? type)
  }
  const arrival = newArrival()
  takeMessage(result.message as never, arrival)
  return resultOf(customId, arrival, frame)
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
