import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { vi } from 'vitest'

type Asked = { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }
export type StandInApi = {
  readonly url: string
  readonly asked: Asked[]
  /** What was asked apart from whether it is alive. */
  readonly paths: () => string[]
  close(): Promise<void>
}

/** In place of a running server: says what it was told to say, and the commands of this process are led to it. */
export async function standInApi(replies: Readonly<Record<string, unknown>>): Promise<StandInApi> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const [path] = request.url!.split('?')
    asked.push({ method: request.method!, path: path!, headers: request.headers, body })
    const reply = replies[`${request.method} ${path}`]
    const status = reply === undefined ? 404 : request.method === 'POST' && path !== '/v1/dead-letters/redrive' ? 202 : 200
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply ?? { title: 'Not Found' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  vi.stubEnv('HOST', '127.0.0.1')
  vi.stubEnv('PORT', String(port))
  vi.stubEnv('ADMIN_API_KEY', 'key-of-the-stand-in')
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    paths: () => asked.map(({ path }) => path).filter((path) => path !== '/healthz'),
    async close() {
      vi.unstubAllEnvs()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** What a command says, on either stream, in order. */
export function listen(): string[] {
  const said: string[] = []
  for (const stream of ['log', 'error'] as const) vi.spyOn(console, stream).mockImplementation((line) => void said.push(line))
  return said
}
