import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook as Verifier } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Post } from '#shared/adapters/delivery/post-checked.ts'
import { createHttpWebhook } from '#shared/adapters/delivery/webhook.http.ts'
import type { StepFailure } from '#shared/domain/failure.ts'
import type { WebhookMessage } from '#shared/ports/webhook.ts'
import { freePort } from '#test/servers/free-port.ts'

const secretOf = (text: string) => `whsec_${Buffer.from(text).toString('base64')}`
const SECRET = secretOf('0123456789abcdef0123456789abcdef')
type Got = { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }
let got: Got[] = []
let answer: (response: ServerResponse) => void
let base: string
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const { method, url, headers } = request
  got.push({ method: method!, path: url!, headers, body: Buffer.concat(chunks).toString('utf8') })
  answer(response)
})
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  got = []
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

const replyWith = (status: number, headers: Record<string, string> = {}) => {
  answer = (response) => response.writeHead(status, headers).end('ignored')
}
const message = (change: Partial<WebhookMessage> = {}): WebhookMessage => ({
  id: 'whk_1',
  url: `${base}/hook?x=1`,
  secret: SECRET,
  body: '{"type":"ticket.answered","text":"naïve – 日本語 🙂"}',
  timestamp: new Date(),
  ...change,
})
const send = (change: Partial<WebhookMessage> = {}, signal = AbortSignal.timeout(20_000), post?: Post) =>
  createHttpWebhook(['127.0.0.0/8'], post).send(message(change), signal)
const failureOf = async (change: Partial<WebhookMessage> = {}) => {
  const error = await send(change).then(
    (status) => expect.fail(`answered ${status}`),
    (thrown: StepFailure) => thrown,
  )
  return error.failure
}

test('the receiver verifies the message with the reference library, and a changed one not', async () => {
  replyWith(204)
  expect(await send()).toBe(204)
  const [{ method, path, headers, body }] = got as [Got]
  expect([method, path, headers['content-type']]).toEqual(['POST', '/hook?x=1', 'application/json'])
  expect(headers['webhook-id']).toBe('whk_1')
  const verifier = new Verifier(SECRET)
  const signed = headers as Record<string, string>
  expect(verifier.verify(body, signed)).toEqual(JSON.parse(message().body))
  expect(() => verifier.verify(body.replace('naïve', 'other'), signed)).toThrow(/signature/i)
  expect(() => verifier.verify(body, { ...signed, 'webhook-id': 'whk_2' })).toThrow(/signature/i)
  expect(() => new Verifier(secretOf('another')).verify(body, signed)).toThrow(/signature/i)
})

test('a repeat is signed for its own time and keeps its id', async () => {
  replyWith(200)
  const now = Date.now()
  await send({ timestamp: new Date(now - 60_000) })
  await send({ timestamp: new Date(now) })
  expect(got.map(({ headers }) => headers['webhook-id'])).toEqual(['whk_1', 'whk_1'])
  expect(new Set(got.map(({ headers }) => headers['webhook-signature'])).size).toBe(2)
  for (const { headers, body } of got) new Verifier(SECRET).verify(body, headers as Record<string, string>)
})

test('redirects are not followed: nothing reaches the address they name', async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    got = []
    replyWith(status, { location: `${base}/elsewhere` })
    const failure = await failureOf()
    expect(failure).toMatchObject({ kind: 'retryable', code: 'webhook-refused' })
    expect(failure.message).toContain(String(status))
    expect(got.map(({ path }) => path)).toEqual(['/hook?x=1'])
  }
})

test('410 ends it for good; other refusals may be over by the next try', async () => {
  replyWith(410)
  expect(await failureOf()).toMatchObject({ kind: 'terminal', code: 'webhook-gone' })
  for (const status of [400, 401, 404, 409, 429, 500, 503]) {
    replyWith(status)
    const failure = await failureOf()
    expect(failure).toMatchObject({ kind: 'retryable', code: 'webhook-refused' })
    expect(failure.retryAfterMs).toBeUndefined()
  }
})

test('a wait that the receiver asks for is honoured, in seconds or as a date, and capped at an hour', async () => {
  const waits: [string, number | undefined][] = [
    ['7', 7_000],
    ['999999', 3_600_000],
    ['Sat, 21 Nov 2026 12:01:30 GMT', 90_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', undefined],
    ['Mon, 21 Nov 2044 12:00:00 GMT', 3_600_000],
    ['0', undefined],
    ['-5', undefined],
    ['soon', undefined],
  ]
  const timestamp = new Date('2026-11-21T12:00:00.000Z')
  for (const status of [429, 503])
    for (const [asked, expected] of waits) {
      replyWith(status, { 'retry-after': asked })
      expect((await failureOf({ timestamp })).retryAfterMs, asked).toBe(expected)
    }
})

test('a receiver that does not answer is given up when the signal says so', async () => {
  answer = () => {}
  await expect(send({}, AbortSignal.timeout(300))).rejects.toMatchObject({ name: 'TimeoutError' })
  const reason = new Error('the run was cancelled')
  await expect(send({}, AbortSignal.abort(reason))).rejects.toBe(reason)
})

test('what could not be reached is told by code, without the address that a name stands for', async () => {
  const inner = Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:80'), { code: 'ECONNREFUSED' })
  const failure = await send({ url: 'https://hooks.shop.example/x' }, undefined, async () => Promise.reject(inner)).catch(
    (thrown: StepFailure) => thrown.failure,
  )
  expect(failure).toMatchObject({ code: 'webhook-unreachable', message: 'no reply from hooks.shop.example: ECONNREFUSED' })
})

test('nobody there, or a connection that breaks before the reply, is worth another try', async () => {
  const url = `http://127.0.0.1:${await freePort()}/hook`
  expect(await failureOf({ url })).toMatchObject({ kind: 'retryable', code: 'webhook-unreachable' })
  answer = (response) => response.destroy()
  expect(await failureOf()).toMatchObject({ kind: 'retryable', code: 'webhook-unreachable' })
})

test('the status counts, whatever becomes of the body', async () => {
  answer = (response) => {
    response.writeHead(200)
    response.write('x')
  }
  expect(await send()).toBe(200)
  answer = (response) => {
    response.writeHead(202, { 'content-length': '1000' })
    response.write('x', () => response.destroy())
  }
  expect(await send()).toBe(202)
})
