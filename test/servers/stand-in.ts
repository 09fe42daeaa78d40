import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type StandInRequest = {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}
export type StandInReply = {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}
/** `hang` never replies, `drop` breaks the connection. */
export type StandInFault = StandInReply | 'hang' | 'drop'

export type StrikeOptions = {
  /** The request takes effect before the fault shows. */
  readonly after?: boolean
  /** This many matching requests pass first. */
  readonly skip?: number
  /** This many meet the fault, one unless said otherwise; only the first may take effect. */
  readonly times?: number
}
export type StandIn = {
  readonly url: string
  readonly requests: StandInRequest[]
  /** The next request whose "METHOD /path" matches meets the fault. */
  readonly strike: (pattern: RegExp, fault: StandInFault, options?: StrikeOptions) => void
  /** Takes back what has not struck yet. */
  readonly calm: () => void
  readonly close: () => Promise<void>
}

/** Bytes that are not UTF-8 break the stand-in, and with it the test that sent them. */
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** HTTP around a stand-in for a search server: it listens on a free port, keeps what it was asked and shows the faults it is told to. */
export async function startStandIn(handle: (request: StandInRequest) => Promise<StandInReply>): Promise<StandIn> {
  const requests: StandInRequest[] = []
  const faults: { pattern: RegExp; fault: StandInFault; after: boolean; skip: number; times: number }[] = []

  const answer = async (message: IncomingMessage, response: ServerResponse) => {
    const request = await requestOf(message)
    requests.push(request)
    const match = faults.find(({ pattern, times }) => times > 0 && pattern.test(`${request.method} ${request.path}`))
    const struck = match && match.skip-- <= 0 && match.times-- > 0 ? { ...match } : undefined
    if (struck && match) match.after = false
    const reply = struck && !struck.after ? struck.fault : await handle(request)
    const shown = struck?.fault ?? reply
    if (shown === 'hang') return
    if (shown === 'drop') {
      message.socket.destroy()
      return
    }
    response.writeHead(shown.status, { 'content-type': 'application/json', ...shown.headers })
    response.end(shown.body === undefined ? '' : JSON.stringify(shown.body))
  }
  const server = createServer((message, response) => {
    answer(message, response).catch((error: unknown) => {
      response.writeHead(500, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ status: { error: `stand-in broke: ${String(error)}` } }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    strike: (pattern, fault, { after = false, skip = 0, times = 1 } = {}) => faults.push({ pattern, fault, after, skip, times }),
    calm: () => faults.splice(0),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function requestOf(message: IncomingMessage): Promise<StandInRequest> {
  const pieces: Buffer[] = []
  for await (const piece of message) pieces.push(piece as Buffer)
  const url = new URL(message.url ?? '/', 'http://stand-in')
  return {
    method: message.method ?? 'GET',
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers: message.headers,
    body: UTF8.decode(Buffer.concat(pieces)),
  }
}
