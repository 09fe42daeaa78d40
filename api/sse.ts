import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

/** A line break inside a field would end it; JSON has none. */
const frame = (event: { readonly id: string; readonly event: string; readonly data: unknown }) =>
  `id: ${event.id}\nevent: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`

export type EventStream = {
  /** Aborted when the client has gone (or the server stops). */
  readonly signal: AbortSignal
  /** Resolves when the connection takes more: a slow reader slows its writer and costs no memory. */
  send(event: { readonly id: string; readonly event: string; readonly data: unknown }): Promise<void>
  end(): void
}

/**
 * Server-sent events (WHATWG HTML, "Server-sent events") on a response of Node's, with a comment every `heartbeatMs` so that
 * proxies keep the connection and a dead one is noticed.
 */
export function openEventStream(
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  heartbeatMs: number,
): EventStream {
  const gone = new AbortController()
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // nginx would gather the events before passing them on.
    'x-accel-buffering': 'no',
  })
  // A first byte, so that the client knows at once that it is connected; and how long it should wait before it comes back.
  response.write('retry: 1000\n\n')
  const heartbeat = setInterval(() => response.writableNeedDrain || response.write(': still here\n\n'), heartbeatMs)
  response.once('close', () => {
    clearInterval(heartbeat)
    gone.abort()
  })
  response.on('error', () => gone.abort())
  return {
    signal: gone.signal,
    async send(event) {
      if (gone.signal.aborted || response.write(frame(event))) return
      // Rejects on abort; whoever follows sees the signal itself.
      await once(response, 'drain', { signal: gone.signal }).catch(() => {})
    },
    end() {
      clearInterval(heartbeat)
      response.end()
    },
  }
}
