import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createSseReader, type SseMessage } from './sse-messages.ts'

/** Some servers leave the connection open for a moment after their last event; then it can be used again. */
const TAIL_MS = 1_000

/** What is still to come of a response of ours. */
const bodies = new WeakMap<Response, IncomingMessage>()

/**
 * `fetch` for the streams of an SDK: the same requests over `node:http`, whose events cost a third of what web streams cost per
 * token, with thousands of tokens a second. The body of an event stream is not in the response but read with `readMessages`;
 * every other response is a whole one. Redirects are left to `fetch`.
 */
export const streamingFetch: typeof fetch = async (input, init) => {
  if (typeof input !== 'string' || typeof init?.body !== 'string') return fetch(input, init)
  const incoming = await send(new URL(input), init, init.body)
  const { statusCode = 0, statusMessage: statusText = '' } = incoming
  if (statusCode >= 300 && statusCode < 400) {
    incoming.destroy()
    return fetch(input, init)
  }
  const head = { status: statusCode, statusText, headers: headersOf(incoming) }
  const isEventStream = /^text\/event-stream\b/i.test(incoming.headers['content-type'] ?? '')
  if (statusCode !== 200 || !isEventStream) return new Response((await textOf(incoming)) || null, head)
  const response = new Response(null, head)
  bodies.set(response, incoming)
  return response
}

function send(url: URL, init: RequestInit, body: string): Promise<IncomingMessage> {
  const sendTo = url.protocol === 'https:' ? httpsRequest : httpRequest
  const headers = { ...Object.fromEntries(new Headers(init.headers)), 'content-length': String(Buffer.byteLength(body)) }
  // Node's own agents: they keep connections, leave quiet ones before their server does, and know the proxies that Node is told of.
  const options: RequestOptions = { method: init.method ?? 'GET', headers, ...(init.signal && { signal: init.signal }) }
  return new Promise((resolve, reject) => {
    const request = sendTo(url, options)
    // Stays: an error behind the head is told by the response, too, and must not be nobody's.
    request.on('error', reject)
    request.once('response', (incoming) => {
      incoming.on('error', () => {})
      resolve(incoming)
    })
    request.end(body)
  })
}

function headersOf({ headers }: IncomingMessage): Headers {
  const all = new Headers()
  for (const [name, value] of Object.entries(headers)) for (const one of [value ?? []].flat()) all.append(name, one)
  return all
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  incoming.setEncoding('utf8')
  let text = ''
  for await (const piece of incoming as AsyncIterable<string>) text += piece
  return text
}

type Reading = {
  readonly signal: AbortSignal
  /** Bytes have come, whatever is in them. */
  readonly onBytes: () => void
  /** @returns true when this was the last one that matters */
  readonly onMessage: (message: SseMessage) => boolean
}

/**
 * Reads a response of `streamingFetch` to its end, or to the last message that matters. One that is no event stream has none.
 * @throws the signal's reason, the error of the connection, or what `onMessage` threw
 */
export function readMessages(response: Response, { signal, onBytes, onMessage }: Reading): Promise<void> {
  const incoming = bodies.get(response)
  if (!incoming) return Promise.resolve()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let done = false
  const fail = (error: unknown) => {
    reject(error)
    incoming.destroy()
  }
  const reader = createSseReader((message) => {
    if (!done) done = onMessage(message)
  })
  const attempt = (read: () => void) => {
    try {
      read()
    } catch (error) {
      fail(error)
    }
    if (done) resolve()
  }
  const onAbort = () => fail(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  incoming.setEncoding('utf8')
  incoming.on('data', (piece: string) => {
    if (done || incoming.destroyed) return
    onBytes()
    attempt(() => reader.take(piece))
    if (done) setTimeout(() => incoming.destroy(), TAIL_MS).unref()
  })
  incoming.once('end', () => {
    attempt(() => reader.end())
    resolve()
  })
  incoming.once('error', reject)
  // Also when it was over before anybody listened; after an end this says nothing.
  incoming.once('close', () => reject(incoming.errored ?? new Error('terminated')))
  if (incoming.destroyed && !incoming.readableEnded) reject(incoming.errored ?? new Error('terminated'))
  if (signal.aborted) onAbort()
  return promise.finally(() => signal.removeEventListener('abort', onAbort))
}
