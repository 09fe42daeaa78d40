import { Agent, type IncomingMessage, request } from 'node:http'

/** A light client: the load generator shares the processor with what it measures. */
export const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 2_000 })

export type Sent = {
  readonly method: 'GET' | 'POST'
  readonly headers?: Record<string, string>
  readonly body?: unknown
  readonly signal?: AbortSignal
  readonly fresh?: boolean
}

/** @throws Error of the connection */
export function open(url: string, key: string, { method, headers, body, signal, fresh }: Sent): Promise<IncomingMessage> {
  const payload = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method,
        agent: fresh ? false : agent,
        ...(signal ? { signal } : {}),
        headers: {
          authorization: `Bearer ${key}`,
          ...(payload === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
          ...headers,
        },
      },
      resolve,
    )
    outgoing.once('error', reject)
    outgoing.end(payload)
  })
}

export async function readAll(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  for await (const part of response) text += part
  return text
}

/** Frames of a server-sent event stream as they come, without comments and `retry`. */
export async function* frames(response: IncomingMessage): AsyncGenerator<string> {
  let rest = ''
  response.setEncoding('utf8')
  for await (const part of response as AsyncIterable<string>) {
    rest += part
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const frame = rest.slice(0, end)
      rest = rest.slice(end + 2)
      if (!frame.startsWith(':') && !frame.startsWith('retry:')) yield frame
    }
  }
}
