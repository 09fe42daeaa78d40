import { get as httpGet, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, keyOf, problemIn, startApi } from './start-api.ts'

let api: Api
let port: number
beforeAll(async () => {
  api = await startApi({ limits: { heartbeatMs: 30, followPollMs: 50, maxEventStreamsPerTenant: 2 } })
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  port = (api.app.server.address() as { port: number }).port
}, 60_000)
afterAll(() => api.close())

type Received = {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  text: string
  readonly ended: Promise<void>
  close(): void
}

function open(ticketId: string, lastEventId?: string, tenantId = 'default'): Promise<Received> {
  const headers = { authorization: `Bearer ${keyOf('read', tenantId)}`, ...(lastEventId ? { 'last-event-id': lastEventId } : {}) }
  return new Promise((resolve, reject) => {
    const request = httpGet({ port, host: '127.0.0.1', path: `/v1/tickets/${ticketId}/events`, headers }, (response) => {
      const ended = Promise.withResolvers<void>()
      const received: Received = {
        status: response.statusCode!,
        headers: response.headers,
        text: '',
        ended: ended.promise,
        close: () => request.destroy(),
      }
      response.on('data', (bytes) => (received.text += String(bytes)))
      response.on('close', () => ended.resolve())
      resolve(received)
    })
    request.on('error', reject)
  })
}

const accept = async (tenantId = 'default') =>
  (await api.post('/v1/tickets', { body: 'help' }, { key: keyOf('ingest', tenantId) })).json() as {
    ticketId: string
    runId: string
  }
const idsIn = (text: string) => [...text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id)

describe('the event stream', () => {
  test('sends what happens as it happens, keeps the line warm, and ends after done', async () => {
    const { ticketId, runId } = await accept()
    const stream = await open(ticketId)
    expect(stream.status).toBe(200)
    expect(stream.headers['content-type']).toContain('text/event-stream')
    expect(stream.headers['x-request-id']).toMatch(/^req_/)
    await expect.poll(() => idsIn(stream.text)).toEqual(['0-0'])
    await expect.poll(() => stream.text).toContain(': still here')
    await api.deps.mover.move(runId, { kind: 'cancelled' }, 'test')
    await stream.ended
    expect(idsIn(stream.text)).toEqual(['0-0', '1-0', '1-1'])
    expect(stream.text).toMatch(/event: done\ndata: {"status":"cancelled"}\n\n$/)
  })

  test('resumes behind Last-Event-ID, and tells a client that has seen the end to stay away', async () => {
    const { ticketId, runId } = await accept()
    await api.deps.mover.move(runId, { kind: 'cancelled' }, 'test')
    const rest = await open(ticketId, '0-0')
    await rest.ended
    expect(idsIn(rest.text)).toEqual(['1-0', '1-1'])
    const over = await open(ticketId, '1-1')
    expect(over.status).toBe(204)
    expect(over.headers['x-request-id']).toMatch(/^req_/)
  })

  test('refuses an id that it never sent, and more streams than a tenant may hold', async () => {
    const { ticketId } = await accept('other')
    const bad = await api.get(`/v1/tickets/${ticketId}/events`, {
      key: keyOf('read', 'other'),
      headers: { 'last-event-id': 'x' },
    })
    expect(problemIn(bad)).toMatchObject({ status: 422, errors: [{ field: 'Last-Event-ID' }] })
    const held = [await open(ticketId, undefined, 'other'), await open(ticketId, undefined, 'other')]
    const third = await open(ticketId, undefined, 'other')
    expect([third.status, third.headers['retry-after']]).toEqual([429, '5'])
    for (const stream of held) stream.close()
    await expect
      .poll(async () => {
        const again = await open(ticketId, undefined, 'other')
        again.close()
        return again.status
      })
      .toBe(200)
  })

  test('ends when the server stops, so that stopping does not take as long as its listeners like', async () => {
    const own = await startApi({}, api.database)
    await own.app.listen({ port: 0, host: '127.0.0.1' })
    const { ticketId } = (await own.post('/v1/tickets', { body: 'help' })).json()
    const ownPort = (own.app.server.address() as { port: number }).port
    const headers = { authorization: `Bearer ${keyOf('read')}` }
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      httpGet({ port: ownPort, host: '127.0.0.1', path: `/v1/tickets/${ticketId}/events`, headers }, resolve).on('error', reject),
    )
    const ended = new Promise((resolve) => response.on('close', resolve))
    response.resume()
    await own.close()
    await ended
  })
})
