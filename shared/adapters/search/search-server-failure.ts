import * as z from 'zod'
import { isNetworkError, MAX_RETRY_AFTER_MS, retryAfterMsOf } from '#shared/adapters/models/provider-failure.ts'
import { retryable, StepFailure, terminal } from '#shared/domain/failure.ts'

/** What a search server says about a request it did not fulfil, in one shape for both servers. */
export type ServerError = {
  /** Undefined when there was no reply at all. */
  readonly status: number | undefined
  /** The server's own word for it, where it has one, e.g. Elasticsearch's `mapper_parsing_exception`. */
  readonly code?: string | undefined
  readonly message: string
  readonly retryAfterMs?: number | undefined
}

/** The one table from what search servers answer to what we do about it. */
export function failureOfServer({ status, code, message, retryAfterMs }: ServerError, cause?: unknown): StepFailure {
  const told = code === undefined ? message : `${code}: ${message}`
  if (status === undefined) return retryable('search-server-unreachable', told, undefined, cause)
  if (status === 429) return retryable('search-server-busy', told, retryAfterMs, cause)
  // A full disk or an index that is being moved: writing will be allowed again.
  if (code === 'cluster_block_exception') return retryable('search-server-read-only', told, retryAfterMs, cause)
  if (status === 401 || status === 403) return terminal('search-server-auth', told, cause)
  if (status === 404) return terminal('search-index-missing', told, cause)
  if (status === 409) return retryable('search-server-conflict', told, retryAfterMs, cause)
  if (status === 413) return terminal('search-server-too-large', told, cause)
  if (status === 408 || status >= 500) return retryable('search-server-unavailable', told, retryAfterMs, cause)
  return terminal('search-server-rejected', told, cause)
}

export type ServerCall = <T>(caller: AbortSignal, deadlineMs: number, work: (signal: AbortSignal) => Promise<T>) => Promise<T>

/**
 * Runs requests under the caller's signal and a deadline of their own (the clients' retries and timeouts are switched off).
 * Whatever goes wrong comes out as a `StepFailure`, or as the caller's abort reason, or as it is when it is our own mistake.
 * @param read what this server's client throws, or undefined for what is not the server's doing
 */
export function serverCall(server: string, read: (error: unknown) => ServerError | undefined): ServerCall {
  return async (caller, deadlineMs, work) => {
    caller.throwIfAborted()
    const deadline = AbortSignal.timeout(deadlineMs)
    const both = AbortSignal.any([caller, deadline])
    const { promise: stopped, reject } = Promise.withResolvers<never>()
    both.addEventListener('abort', () => reject(both.reason), { once: true })
    try {
      return await Promise.race([work(both), stopped])
    } catch (error) {
      if (caller.aborted) throw caller.reason
      if (error instanceof StepFailure) throw error
      if (deadline.aborted)
        throw retryable('search-server-timeout', `${server} gave no reply within ${deadlineMs} ms`, undefined, error)
      if (error instanceof z.ZodError || error instanceof SyntaxError) {
        throw retryable('search-server-bad-reply', `${server}: ${error.message}`, undefined, error)
      }
      const found = read(error)
      throw found === undefined ? error : failureOfServer({ ...found, message: `${server}: ${found.message}` }, error)
    }
  }
}

const QdrantReply = z.object({
  status: z.int(),
  statusText: z.string().optional(),
  data: z.unknown(),
  headers: z.instanceof(Headers),
})
const QdrantStatus = z.object({ status: z.object({ error: z.string() }) })

/** Reads what `@qdrant/js-client-rest` throws. */
export function qdrantError(error: unknown, now: Date): ServerError | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.name === 'QdrantClientResourceExhaustedError' || error.message.startsWith('Invalid retryAfter value')) {
    return { status: 429, message: error.message, retryAfterMs: longestWaitMs(error) }
  }
  const reply = QdrantReply.safeParse(error).data
  if (reply === undefined) return isNetworkError(error) ? { status: undefined, message: causeOf(error) } : undefined
  const told = QdrantStatus.safeParse(reply.data).data?.status.error
  return {
    status: reply.status,
    message: told ?? reply.statusText ?? error.message,
    retryAfterMs: retryAfterMsOf(reply.headers, now),
  }
}

/**
 * Client 1.19 hands on only the first digit of `Retry-After` ("37" arrives as 3), so we wait as long as the longest
 * two-digit value that begins so: too long at worst, never too short for what the server asks within its minute.
 */
function longestWaitMs(error: Error): number | undefined {
  const digit = (error as { retry_after?: unknown }).retry_after
  return typeof digit === 'number' ? Math.min((digit * 10 + 9) * 1_000, MAX_RETRY_AFTER_MS) : undefined
}

const ElasticsearchReply = z.object({
  statusCode: z.int(),
  headers: z.record(z.string(), z.unknown()).optional(),
  body: z
    .object({ error: z.object({ type: z.string(), reason: z.string().nullish() }) })
    .optional()
    .catch(undefined),
})
/** What the transport throws when no usable reply came. */
const WITHOUT_REPLY = new Set(['ConnectionError', 'NoLivingConnectionsError', 'TimeoutError', 'RequestAbortedError'])

/** Reads what `@elastic/elasticsearch` throws. */
export function elasticsearchError(error: unknown, now: Date): ServerError | undefined {
  if (!(error instanceof Error)) return undefined
  if (WITHOUT_REPLY.has(error.name) || isNetworkError(error)) return { status: undefined, message: causeOf(error) }
  if (error.name === 'DeserializationError') return { status: 502, message: error.message }
  if (error.name === 'ProductNotSupportedError') return { status: 400, message: error.message }
  const reply = ElasticsearchReply.safeParse(error).data
  if (reply === undefined) return undefined
  const { type, reason } = reply.body?.error ?? {}
  const asked = reply.headers?.['retry-after']
  const headers = new Headers(typeof asked === 'string' ? { 'retry-after': asked } : {})
  return { status: reply.statusCode, code: type, message: reason ?? error.message, retryAfterMs: retryAfterMsOf(headers, now) }
}

function causeOf(error: Error): string {
  const cause = error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : undefined
  return cause === undefined ? error.message : `${error.message} (${cause})`
}
