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

export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  // nginx would gather the events before passing them on.
  'x-accel-buffering': 'no',
} as const

/** Keeps quiet connections warm with one timer for all of them: a comment every so often, which clients pass over. */
export function createHeartbeat(everyMs: number) {
  const open = new Set<ServerResponse>()
  const timer = setInterval(() => {
    for (const response of open) if (!response.writableNeedDrain) response.write(': still here\n\n')
  }, everyMs).unref()
  return {
    add: (response: ServerResponse) => void open.add(response),
    remove: (response: ServerResponse) => void open.delete(response),
    stop: () => clearInterval(timer),
  }
}
export type Heartbeat = ReturnType<typeof createHeartbeat>

/** Resolves when the connection takes more, or is gone. */
export async function writeOrWait(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted || response.write(text)) return
  // Rejects on abort; whoever follows sees the signal itself.
  await once(response, 'drain', { signal }).catch(() => {})
}

/**
 * Server-sent events (WHATWG HTML, "Server-sent events") on a response of Node's; the heartbeat makes that a dead one is noticed.
 * @param gone is aborted when the client goes
 */
export function openEventStream(
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  heartbeat: Heartbeat,
  gone: AbortController = new AbortController(),
): EventStream {
  response.writeHead(200, { ...headers, ...STREAM_HEADERS })
  // A first byte, so that the client knows at once that it is connected; and how long it should wait before it comes back.
  response.write('retry: 1000\n\n')
  heartbeat.add(response)
  const leave = () => {
    heartbeat.remove(response)
    gone.abort()
  }
  response.once('close', leave)
  response.on('error', leave)
  return {
    signal: gone.signal,
    send: (event) => writeOrWait(response, frame(event), gone.signal),
    end() {
      heartbeat.remove(response)
      response.end()
    },
  }
}
