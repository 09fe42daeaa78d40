import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linesOf } from '#api/ndjson.ts'
import { ADMIN_KEY, type Api, keyOf, problemIn, startApi } from './start-api.ts'

let api: Api
beforeAll(async () => {
  api = await startApi({ limits: { maxBulkBytes: 2_000_000, maxBodyBytes: 50_000, bulkPatienceMs: 0 } })
}, 60_000)
afterAll(() => api.close())

const NDJSON = { 'content-type': 'application/x-ndjson' }
const upload = (lines: string | Buffer, headers: Record<string, string> = {}, url = '/v1/tickets/bulk', key = ADMIN_KEY) =>
  api.post(url, lines, { headers: { ...NDJSON, ...headers }, key })
const results = (body: string) =>
  body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
const count = async (table: string) => Number((await api.database.asSystem('test', `SELECT count(*) AS n FROM ${table}`))[0]!.n)

describe('bulk upload of tickets', () => {
  test('answers a result a line in their order; a bad line does not stop the others', async () => {
    const before = await count('tickets')
    const bad = [
      'not json',
      '{"body":""}',
      '{"body":"x","nope":1}',
      '{"body":"a\\ud800"}',
      JSON.stringify({ body: 'x'.repeat(60_000) }),
      '[]',
    ]
    const lines = Array.from({ length: 200 }, (_, i) => JSON.stringify({ body: `ticket ${i}` }))
    for (const [i, line] of bad.entries()) lines.splice(i * 30, 0, line)
    const response = await upload(`${lines.join('\n')}\n`)
    expect(response.statusCode).toBe(202)
    expect(response.headers['content-type']).toContain('application/x-ndjson')
    const all = results(response.body)
    expect(all.map(({ line }) => line)).toEqual(lines.map((_, i) => i + 1))
    expect(all.filter(({ status }) => status === 202)).toHaveLength(200)
    expect(bad.map((_, i) => all[i * 30]).map(({ status }) => status)).toEqual([400, 422, 422, 422, 413, 422])
    expect(all[60].errors).toEqual([{ field: 'nope', message: 'is not a known field' }])
    expect(await count('tickets')).toBe(before + 200)
    expect(await api.deps.tickets.find('default', all[199].ticketId)).toMatchObject({ runId: all[199].runId })
  })

  test('takes lines however they are cut into chunks, with CRLF, blank lines and without a last newline', async () => {
    const response = await upload('{"body":"a"}\r\n\r\n  \n{"body":"b"}\n\n{"body":"ü€"}')
    expect(results(response.body).map(({ line, status }) => [line, status])).toEqual([
      [1, 202],
      [4, 202],
      [6, 202],
    ])
  })

  test('sent again under its key, each line is the same ticket again', async () => {
    const lines = ['{"body":"one"}', 'bad', '{"body":"two"}'].join('\n')
    const first = await upload(lines, { 'idempotency-key': 'bulk-1' })
    const before = await count('tickets')
    const again = await upload(lines, { 'idempotency-key': 'bulk-1' })
    expect(first.headers['idempotency-replayed']).toBeUndefined()
    expect(again.headers['idempotency-replayed']).toBe('true')
    const ids = (body: string) => results(body).map(({ ticketId }) => ticketId)
    expect(ids(again.body)).toEqual(ids(first.body))
    expect(await count('tickets')).toBe(before)
  })

  test('an upload that broke off is finished by sending it again', async () => {
    const lines = Array.from({ length: 50 }, (_, i) => `{"body":"resumed ${i}"}`)
    const before = await count('tickets')
    await upload(lines.slice(0, 20).join('\n'), { 'idempotency-key': 'bulk-2' })
    await upload(lines.join('\n'), { 'idempotency-key': 'bulk-2' })
    expect(await count('tickets')).toBe(before + 50)
  })

  test('another body under a used key is refused as a whole', async () => {
    await upload('{"body":"one"}', { 'idempotency-key': 'bulk-3' })
    expect(problemIn(await upload('{"body":"other"}', { 'idempotency-key': 'bulk-3' }))).toMatchObject({
      status: 422,
      code: 'idempotency-key-reused',
    })
  })

  test('nothing, too much and another content type are refused', async () => {
    expect(problemIn(await upload('\n\n')).status).toBe(422)
    expect(problemIn(await upload('x'.repeat(2_100_000)))).toMatchObject({ status: 413, code: 'body-too-large' })
    expect(problemIn(await upload('{}', { 'content-type': 'text/plain' })).status).toBe(415)
    expect(problemIn(await api.post('/v1/tickets/bulk', undefined, { headers: NDJSON })).status).toBe(422)
  })

  test('lines beyond the tenant’s rate are refused with a wait, the others stand', async () => {
    await api.send('PATCH', '/v1/tenants/other', { body: { config: { limits: { ticketsPerMinute: 5 } } } })
    const response = await upload('{"body":"x"}\n'.repeat(8), {}, '/v1/tickets/bulk', keyOf('ingest', 'other'))
    const all = results(response.body)
    expect(all.filter(({ status }) => status === 202)).toHaveLength(5)
    expect(
      all.filter(({ status, code, retryAfterSeconds }) => status === 429 && code === 'rate-limited' && retryAfterSeconds > 0),
    ).toHaveLength(3)
  })
})

test('a result comes before the next line is sent: the upload is a conversation, not a form', async () => {
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = api.app.server.address() as { port: number }
  const headers = { ...NDJSON, authorization: `Bearer ${ADMIN_KEY}` }
  const request = httpRequest({ port, host: '127.0.0.1', path: '/v1/tickets/bulk', method: 'POST', headers })
  let text = ''
  const ended = new Promise<void>((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (response) => {
      response.on('data', (bytes) => (text += String(bytes)))
      response.on('end', () => resolve())
    })
  })
  for (let i = 1; i <= 3; i++) {
    request.write(`{"body":"line ${i}"}\n`)
    await expect.poll(() => (text === '' ? 0 : results(text).length)).toBe(i)
  }
  request.end()
  await ended
  expect(results(text).map(({ status }) => status)).toEqual([202, 202, 202])
})

test('a refusal of the whole does not wait for the rest of the upload', async () => {
  await upload('{"body":"one"}', { 'idempotency-key': 'bulk-4' })
  const { port } = api.app.server.address() as { port: number }
  const headers = { ...NDJSON, authorization: `Bearer ${ADMIN_KEY}`, 'idempotency-key': 'bulk-4' }
  const status = await new Promise<number>((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', path: '/v1/tickets/bulk', method: 'POST', headers }, (response) => {
      resolve(response.statusCode!)
      request.destroy()
    })
    request.on('error', reject)
    request.write('{"body":"other"}\n')
  })
  expect(status).toBe(422)
})

test('documents come in bulk, too; a repeat under a key is replayed, without one it is no work', async () => {
  const lines = '{"id":"d1","text":"one"}\n{"id":"d2","text":""}\n{"id":"d3","text":"three"}'
  const first = results((await upload(lines, { 'idempotency-key': 'docs-1' }, '/v1/documents/bulk')).body)
  expect(first.map(({ status }) => status)).toEqual([202, 422, 202])
  const again = results((await upload(lines, { 'idempotency-key': 'docs-1' }, '/v1/documents/bulk')).body)
  expect(again[0]).toMatchObject({ runId: first[0].runId, unchanged: false, replayed: true })
  const plain = results((await upload(lines, {}, '/v1/documents/bulk')).body)
  expect(plain[0]).toMatchObject({ runId: first[0].runId, unchanged: true })
})

describe('lines of a stream', () => {
  const read = async (chunks: string[], maxLineBytes = 10, maxBytes = 1_000) => {
    const lines: string[] = []
    const source = (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk)
    })()
    for await (const line of linesOf(source, { maxLineBytes, maxBytes }))
      lines.push(`${line.number}:${'tooLong' in line ? 'too long' : line.bytes.toString()}`)
    return lines
  }

  test('are the same however the stream is cut', async () => {
    const text = 'one\ntwo\n\nthree is far too long to keep\nfour'
    const whole = ['1:one', '2:two', '4:too long', '5:four']
    expect(await read([text])).toEqual(whole)
    expect(await read([...text])).toEqual(whole)
    for (let at = 1; at < text.length; at++) expect(await read([text.slice(0, at), text.slice(at)])).toEqual(whole)
  })

  test('end with an error when they are too many bytes', async () => {
    await expect(read(['x\n'.repeat(600)])).rejects.toThrow(/1000/)
  })
})
