import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createPresidioFinder } from '#shared/adapters/privacy/personal-data-finder.presidio.ts'

type Reply = { status?: number; body: unknown } | 'silence' | 'hang up'
let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(reply: Reply) {
  const requests: { path: string; body: unknown }[] = []
  server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    requests.push({ path: `${request.method} ${request.url}`, body: JSON.parse(text) })
    if (reply === 'silence') return
    if (reply === 'hang up') return void request.socket.destroy()
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json' })
    response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server!.once('listening', resolve))
  return { url: `http://127.0.0.1:${(server!.address() as AddressInfo).port}/`, requests }
}
const signal = () => AbortSignal.timeout(30_000)
const entity = (entity_type: string, start: number, end: number, score = 0.85) => ({ entity_type, start, end, score })

describe('a Presidio analyzer', () => {
  test('is asked for the whole text, and its code points become our offsets', async () => {
    const { url, requests } = await serve({ body: [{ ...entity('PERSON', 2, 5), analysis_explanation: null }] })
    const text = '😀 Zoë'
    const found = await createPresidioFinder({ url }).find(text, signal())
    expect(requests).toEqual([{ path: 'POST /analyze', body: { text, language: 'en', score_threshold: 0.4 } }])
    expect(found.map(({ kind, start, end }) => [kind, text.slice(start, end)])).toEqual([['person', 'Zoë']])
  })

  test('knows kinds of its own: numbers of a state are national ids, what a server was taught is an identifier', async () => {
    const names = ['LOCATION', 'UK_NHS', 'IT_FISCAL_CODE', 'US_SSN', 'US_DRIVER_LICENSE', 'LOYALTY_CARD', 'NRP']
    const { url } = await serve({ body: names.map((name, at) => entity(name, at, at + 1)) })
    const found = await createPresidioFinder({ url }).find('abcdefg', signal())
    expect(found.map(({ kind }) => kind)).toEqual([
      'place',
      'national-id',
      'national-id',
      'ssn',
      'driver-licence',
      'identifier',
      'nationality',
    ])
  })

  test('is not believed where it is hardly sure, or names what is no stretch of the text', async () => {
    const { url } = await serve({ body: [entity('US_BANK_NUMBER', 0, 4, 0.05), entity('PERSON', 2, 90), entity('PERSON', 3, 3)] })
    expect(await createPresidioFinder({ url }).find('1234 and more', signal())).toEqual([])
  })

  test('is not asked about nothing', async () => {
    const { url, requests } = await serve({ body: [] })
    expect(await createPresidioFinder({ url }).find(' \n', signal())).toEqual([])
    expect(requests).toEqual([])
  })

  test.each([
    ['fails', { status: 500, body: 'Jane Roe could not be analysed' }],
    ['answers in another form', { body: { error: 'Jane Roe' } }],
    ['answers no JSON', { body: 'Jane Roe' }],
    ['hangs up', 'hang up'],
    ['says nothing', 'silence'],
  ] as const)('that %s is asked again later, and the failure holds no word of the message', async (_, reply) => {
    const { url } = await serve(reply)
    const asked = createPresidioFinder({ url, deadlineMs: reply === 'silence' ? 200 : 20_000 }).find('Jane Roe', signal())
    const failure = await asked.then(
      () => undefined,
      (error) => error.failure,
    )
    expect(failure).toMatchObject({ kind: 'retryable', code: 'privacy-unavailable' })
    expect(JSON.stringify(failure)).not.toContain('Jane')
  })

  test('is not waited for by a step that is cancelled', async () => {
    const { url } = await serve('silence')
    const cancelled = new AbortController()
    const asked = createPresidioFinder({ url }).find('Jane Roe', cancelled.signal)
    cancelled.abort(new Error('cancelled'))
    await expect(asked).rejects.toThrow('cancelled')
  })
})
