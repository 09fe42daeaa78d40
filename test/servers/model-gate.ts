import { once } from 'node:events'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type ModelGate = {
  /** Good as OPENAI_BASE_URL. */
  readonly baseUrl: string
  /** Calls to a model that are under way now, held ones included. */
  open(): number
  /** Calls that came through so far. */
  readonly seen: () => number
  /** When each call was given up by the caller before its reply was complete; from `performance.now()`. */
  readonly givenUpAt: () => readonly number[]
  /** From now on calls wait here, as if the model thought. */
  hold(): void
  release(): void
  close(): Promise<void>
}

/**
 * A door between one worker and the simulated provider that can be shut: so that a chosen number of calls really is in flight
 * when something happens, and so that one sees who hung up.
 */
export async function startModelGate(simulatorUrl: string): Promise<ModelGate> {
  const held = new Set<() => void>()
  const open = new Set<ServerResponse>()
  const givenUp: number[] = []
  let holding = false
  let seen = 0
  const server = createServer(async (incoming, response) => {
    const body = await bytesOf(incoming).catch(() => undefined)
    if (!body) return
    if (incoming.method !== 'POST') return pass(simulatorUrl, incoming, body, response)
    seen++
    open.add(response)
    response.once('close', () => {
      open.delete(response)
      if (!response.writableFinished) givenUp.push(performance.now())
    })
    if (holding) await new Promise<void>((resolve) => held.add(resolve))
    if (!response.destroyed) pass(simulatorUrl, incoming, body, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const release = () => {
    holding = false
    for (const go of held) go()
    held.clear()
  }
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    open: () => open.size,
    seen: () => seen,
    givenUpAt: () => givenUp,
    hold: () => {
      holding = true
    },
    release,
    async close() {
      release()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function pass(simulatorUrl: string, incoming: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const { host: _host, connection: _connection, ...headers } = incoming.headers
  const outgoing = forward(`${simulatorUrl}${incoming.url}`, { method: incoming.method, headers }, (reply) => {
    response.writeHead(reply.statusCode!, reply.headers)
    reply.pipe(response)
    reply.once('error', () => response.destroy())
  })
  outgoing.once('error', () => response.destroy())
  response.once('close', () => outgoing.destroy())
  outgoing.end(body)
}

async function bytesOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
