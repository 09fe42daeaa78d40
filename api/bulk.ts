import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type * as z from 'zod'
import type { App } from './app.ts'
import type { ApiDeps } from './deps.ts'
import { refusalOf } from './error-handling.ts'
import { parseJsonBody } from './json-body.ts'
import { type Line, linesOf, TooMuch } from './ndjson.ts'
import { fieldErrors, invalid, overloaded, Problem } from './problem.ts'

const TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl']
/** Lines being worked on at once, per upload: enough for the store to commit them together, few enough to leave room for others. */
const AT_ONCE = 64
/**
 * Results that wait for a client which sends everything before it reads anything. Only past this does reading stop until the
 * client takes some: stopping at once would leave both sides waiting for the other.
 */
const MAX_UNREAD_BYTES = 16 * 1_048_576

/** Refusals that time heals are waited out up to a point: the upload is slowed to what its tenant may send. */
const MAX_WAIT_MS = 1_000

export type LineOutcome = { readonly result: Readonly<Record<string, unknown>>; readonly replayed: boolean }
type Settled = LineOutcome & { readonly refusal?: Problem }
type BulkDeps = Pick<ApiDeps, 'log' | 'telemetry'>
export type BulkOptions = {
  readonly maxLineBytes: number
  readonly maxBytes: number
  /** How long a line may wait for limits and backlog. */
  readonly patienceMs: number
  /** What is sent for a line, beside its number. Throws Problem for a line that is refused. */
  readonly work: (bytes: Buffer, lineNumber: number) => Promise<LineOutcome>
}

/** Bodies of these routes are left as streams. */
export function readLines(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(TYPES, (_request, payload, done) => done(null, payload))
}

/** How many uploads run at once in this process. @throws Problem 503 */
export function uploadSlots(max: number) {
  let taken = 0
  return async <T>(upload: () => Promise<T>): Promise<T> => {
    if (taken >= max) throw overloaded(`${taken} uploads are under way; try again shortly`, 5)
    taken++
    try {
      return await upload()
    } finally {
      taken--
    }
  }
}

/** @throws Problem 422 for a line that does not fit the schema, 400 for one that is no JSON */
export function parseLine<T extends z.ZodType>(schema: T, bytes: Buffer): z.output<T> {
  const parsed = schema.safeParse(parseJsonBody(bytes))
  if (!parsed.success) throw invalid(fieldErrors(parsed.error.issues))
  return parsed.data
}

/**
 * Reads lines, works on some at once, and writes one result a line, in the order of the lines. A bad line is a result like any
 * other. Lines in the works are bounded and reading waits for them, so an upload of any size takes the memory of a few lines.
 * The first result decides the head of the response: an upload whose first line tells that the key was used for another body is
 * refused as a whole.
 */
export async function answerLines(
  request: FastifyRequest,
  reply: FastifyReply,
  options: BulkOptions,
  deps: BulkDeps,
): Promise<void> {
  const { raw } = reply
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > options.maxBytes || !request.body) throw request.body ? tooLarge(options.maxBytes) : emptyBody()
  const gone = new AbortController()
  raw.once('close', () => gone.abort())
  const write = async (line: object) => {
    raw.write(`${JSON.stringify(line)}\n`)
    if (raw.writableLength > MAX_UNREAD_BYTES) await once(raw, 'drain', { signal: gone.signal })
  }
  let begun = false
  const begin = (first: Settled) => {
    begun = true
    if (first.refusal?.code === 'idempotency-key-reused') throw first.refusal
    reply.hijack()
    const replayed = first.replayed ? { 'idempotency-replayed': 'true' } : {}
    raw.writeHead(202, { 'x-request-id': request.id, 'content-type': 'application/x-ndjson; charset=utf-8', ...replayed })
  }
  try {
    const lines = linesOf(request.body as AsyncIterable<Buffer>, options)
    await inOrder(
      lines,
      (line) => settle(line, options, gone.signal, request, deps),
      async (settled) => {
        if (!begun) begin(settled)
        await write(settled.result)
      },
    )
    if (!begun) throw emptyBody()
  } catch (error) {
    // Bytes that nobody will read any more: the connection cannot serve another request.
    if (!reply.sent) reply.header('connection', 'close')
    const refusal = error instanceof TooMuch ? tooLarge(options.maxBytes) : error
    if (!reply.sent) throw refusal
    if (refusal instanceof Problem) raw.write(`${JSON.stringify({ line: null, ...refusalView(refusal) })}\n`)
    else if (!gone.signal.aborted) deps.log.warn({ requestId: request.id, err: error }, 'a bulk upload broke off')
  }
  raw.end()
}

const emptyBody = () => invalid([{ field: '(body)', message: 'must hold at least one line' }])
const tooLarge = (maxBytes: number) =>
  new Problem(413, 'body-too-large', `an upload may hold ${maxBytes} bytes; what came before is accepted`)
const refusalView = ({ status, code, message, more }: Problem) => ({
  status,
  code,
  detail: message,
  ...(more.errors ? { errors: more.errors } : {}),
  ...(more.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: more.retryAfterSeconds }),
})

/** One line's result, whatever becomes of it; never rejects. */
async function settle(
  line: Line,
  options: BulkOptions,
  signal: AbortSignal,
  request: FastifyRequest,
  deps: BulkDeps,
): Promise<Settled> {
  const at = { line: line.number }
  try {
    if ('tooLong' in line) throw new Problem(413, 'line-too-long', `a line may hold ${options.maxLineBytes} bytes`)
    const { result, replayed } = await patiently(() => options.work(line.bytes, line.number), options.patienceMs, signal)
    return { result: { ...at, status: 202, ...result, ...(replayed ? { replayed } : {}) }, replayed }
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal) return { result: { ...at, ...refusalView(refusal) }, replayed: false, refusal }
    deps.telemetry.defect('api')
    deps.log.error({ requestId: request.id, line: line.number, err: error }, 'a line failed for a reason of our own')
    return { result: { ...at, status: 500, code: 'internal-error', detail: 'something went wrong on our side' }, replayed: false }
  }
}

async function patiently<T>(work: () => Promise<T>, patienceMs: number, signal: AbortSignal): Promise<T> {
  for (let waitedMs = 0; ; ) {
    try {
      return await work()
    } catch (error) {
      const again = error instanceof Problem && (error.status === 429 || error.status === 503)
      const waitMs = again ? Math.min((error.more.retryAfterSeconds ?? 1) * 1_000, MAX_WAIT_MS) : 0
      if (!again || signal.aborted || waitedMs + waitMs > patienceMs) throw error
      await setTimeout(waitMs, undefined, { signal }).catch(() => {})
      waitedMs += waitMs
    }
  }
}

/**
 * Starts up to `AT_ONCE` items and hands their results over one by one, in order, each as soon as it can be. When handing over
 * fails it does not wait for another item: the other side may have none before it has heard from us.
 */
async function inOrder<Item, Result>(
  items: AsyncIterator<Item>,
  start: (item: Item) => Promise<Result>,
  deliver: (result: Result) => Promise<void>,
): Promise<void> {
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  let underWay = 0
  let wake = () => {}
  let delivered = Promise.resolve()
  for (;;) {
    const next = await Promise.race([items.next(), failed.promise])
    if (next.done) break
    const result = start(next.value)
    underWay++
    delivered = delivered.then(async () => {
      await deliver(await result)
      underWay--
      wake()
    })
    delivered.catch(failed.reject)
    while (underWay >= AT_ONCE) await Promise.race([new Promise<void>((resolve) => (wake = resolve)), failed.promise])
  }
  await delivered
}
