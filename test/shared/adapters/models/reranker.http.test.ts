import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createFallbackReranker } from '#shared/adapters/models/reranker.fallback.ts'
import { createHttpReranker } from '#shared/adapters/models/reranker.http.ts'
import type { Candidate } from '#shared/ports/reranker.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'

type Request = { body: Record<string, unknown>; headers: IncomingMessage['headers'] }
type Reply = { status?: number; body?: unknown; headers?: Record<string, string> } | 'silence' | 'hang up'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(answer: (request: Request) => Reply): Promise<{ url: string; requests: Request[] }> {
  const requests: Request[] = []
  server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const seen = { body: JSON.parse(text), headers: request.headers }
    requests.push(seen)
    const reply = answer(seen)
    if (reply === 'silence') return
    if (reply === 'hang up') return void request.socket.destroy()
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers })
    response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server!.once('listening', resolve))
  return { url: `http://127.0.0.1:${(server!.address() as AddressInfo).port}/rerank`, requests }
}

const clock = { now: () => new Date('2026-11-21T12:00:00Z') }
const candidates: Candidate[] = ['one', 'two', 'three'].map((text) => ({
  chunk: sampleChunk({ documentId: text, text, title: 'T', section: ['S'] }),
  fused: 1,
}))
const signal = () => AbortSignal.timeout(30_000)
const cohere = {
  results: [
    { index: 2, relevance_score: 0.9 },
    { index: 0, relevance_score: 0.5 },
    { index: 1, relevance_score: 0.1 },
  ],
}

describe('a reranker behind HTTP', () => {
  test('as Cohere, vLLM and llama.cpp serve it', async () => {
    const { url, requests } = await serve(() => ({ body: { id: 'x', ...cohere } }))
    const reranker = createHttpReranker({ url, model: 'bge', apiKey: 'secret', clock })
    expect(await reranker.rerank('why', candidates, signal())).toEqual([0.5, 0.1, 0.9])
    expect(requests[0]).toMatchObject({
      body: { query: 'why', model: 'bge', documents: ['T\nS\none', 'T\nS\ntwo', 'T\nS\nthree'] },
      headers: { authorization: 'Bearer secret' },
    })
    expect(requests[0]!.body).not.toHaveProperty('texts')
  })

  test('as Text Embeddings Inference serves it: found out once', async () => {
    const { url, requests } = await serve(({ body }) =>
      'texts' in body
        ? {
            body: [
              { index: 1, score: 0.7 },
              { index: 0, score: 0.2 },
              { index: 2, score: 0.1 },
            ],
          }
        : { status: 422, body: 'missing field `texts`' },
    )
    const reranker = createHttpReranker({ url, clock })
    for (let i = 0; i < 2; i++) expect(await reranker.rerank('why', candidates, signal())).toEqual([0.2, 0.7, 0.1])
    expect(requests).toHaveLength(3)
    expect(await reranker.rerank('why', [], signal())).toEqual([])
  })

  test.each([
    [{ status: 500, body: 'oops' }, 'retryable', 'provider-unavailable'],
    [{ status: 429, body: '', headers: { 'retry-after': '7' } }, 'retryable', 'provider-rate-limited'],
    [{ status: 401, body: '' }, 'terminal', 'provider-auth'],
    [{ status: 422, body: 'no' }, 'terminal', 'provider-rejected'],
    [{ body: '<html>' }, 'retryable', 'provider-bad-reply'],
    [{ body: { results: [{ index: 0, relevance_score: 1 }] } }, 'retryable', 'provider-bad-reply'],
    ['hang up', 'retryable', 'provider-unavailable'],
    ['silence', 'retryable', 'provider-stalled'],
  ] as const)('%j is a failure by the table', async (reply, kind, code) => {
    const { url } = await serve(() => reply as Reply)
    const reranker = createHttpReranker({ url, clock, deadlineMs: 1_000 })
    await expect(reranker.rerank('why', candidates, signal())).rejects.toMatchObject({ failure: { kind, code } })
  })

  test('a caller that gives up is told so', async () => {
    const { url } = await serve(() => 'silence')
    const caller = AbortSignal.timeout(100)
    await expect(createHttpReranker({ url, clock }).rerank('why', candidates, caller)).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })

  test('when it is away another one ranks, and the log says so', async () => {
    const { url } = await serve(() => ({ status: 503, body: '' }))
    const log = recordingLog()
    const second = { id: 'second', rerank: async () => [1, 2, 3] }
    const reranker = createFallbackReranker(createHttpReranker({ url, clock }), second, log)
    expect(await reranker.rerank('why', candidates, signal())).toEqual([1, 2, 3])
    expect(log.lines).toHaveLength(1)
  })
})
