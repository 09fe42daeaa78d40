import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createSseReader, type SseMessage } from '#shared/adapters/models/sse-messages.ts'
import { readMessages, streamingFetch } from '#shared/adapters/models/streaming-fetch.ts'

describe('a reader of server-sent events', () => {
  const read = (pieces: readonly string[]): SseMessage[] => {
    const told: SseMessage[] = []
    const reader = createSseReader((message) => told.push(message))
    for (const piece of pieces) reader.take(piece)
    reader.end()
    return told
  }
  const text =
    ': ping\n\nevent: error\ndata: {"a":1}\n\ndata:no space\ndata:  two\n\nid: 7\n\r\ndata: crlf\r\n\r\ndata: [DONE]\n\ndata: last'
  const expected = [
    { event: 'error', data: '{"a":1}' },
    { event: '', data: 'no space\n two' },
    { event: '', data: 'crlf' },
    { event: '', data: '[DONE]' },
    { event: '', data: 'last' },
  ]

  it('tells the same messages however the text is cut', () => {
    expect(read([text])).toEqual(expected)
    expect(read([...text])).toEqual(expected)
    for (let size = 2; size < 9; size++) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size))
      expect(read(pieces)).toEqual(expected)
    }
  })

  it('tells nothing of comments and empty lines', () => {
    expect(read(['\n\n: a\n\n', ':b\n'])).toEqual([])
  })
})

describe('fetch for streams', () => {
  let close = async () => {}
  afterEach(() => close())
  const serve = async (handle: (request: IncomingMessage, response: ServerResponse) => void) => {
    const server = createServer(handle)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    close = async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"ü":1}' }
  const sse = { 'content-type': 'text/event-stream; charset=utf-8' }
  const readAll = async (response: Response, signal = new AbortController().signal, onMessage = (_: SseMessage) => false) => {
    const messages: string[] = []
    let bytes = 0
    const onBytes = () => bytes++
    const take = (message: SseMessage) => {
      messages.push(message.data)
      return onMessage(message)
    }
    await readMessages(response, { signal, onBytes, onMessage: take })
    return { messages, bytes }
  }

  it('sends what it was given, reads characters that are cut in two, and uses the connection again', async () => {
    const ports = new Set<number>()
    const bodies: string[] = []
    const url = await serve((request, response) => {
      ports.add(request.socket.remotePort!)
      request.setEncoding('utf8').on('data', (piece) => bodies.push(piece))
      response.writeHead(200, sse)
      const bytes = Buffer.from('data: grün\n\n')
      response.write(bytes.subarray(0, 9))
      setImmediate(() => {
        response.write(bytes.subarray(9))
        response.end('data: [DONE]\n\n')
      })
    })
    for (let i = 0; i < 3; i++) {
      const response = await streamingFetch(url, post)
      expect(response.status).toBe(200)
      const { messages, bytes } = await readAll(response)
      expect(messages).toEqual(['grün', '[DONE]'])
      expect(bytes).toBeGreaterThan(0)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(bodies).toEqual(Array(3).fill('{"ü":1}'))
    expect(ports.size).toBe(1)
  })

  it('needs no end of the body behind the last message that matters', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, sse)
      response.write('data: one\n\ndata: [DONE]\n\ndata: more\n\n')
    })
    const { messages } = await readAll(await streamingFetch(url, post), undefined, ({ data }) => data === '[DONE]')
    expect(messages).toEqual(['one', '[DONE]'])
  })

  it('gives other replies as a whole, and none of them has messages', async () => {
    const url = await serve((_request, response) => response.writeHead(429, { 'retry-after': '7' }).end('{"error":{}}'))
    const response = await streamingFetch(url, post)
    expect([response.status, response.headers.get('retry-after'), await response.text()]).toEqual([429, '7', '{"error":{}}'])
    expect((await readAll(response)).messages).toEqual([])
  })

  it('follows a redirect', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/') response.writeHead(308, { location: '/there' }).end()
      else response.writeHead(200, { 'content-type': 'application/json' }).end('{"there":true}')
    })
    expect(await (await streamingFetch(`${url}/`, post)).json()).toEqual({ there: true })
  })

  it('ends with the reason of an abort, before the head and behind it', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/quiet') return
      response.writeHead(200, sse)
      response.write('data: one\n\n')
    })
    const early = new AbortController()
    const never = streamingFetch(`${url}/quiet`, { ...post, signal: early.signal })
    early.abort()
    await expect(never).rejects.toMatchObject({ name: 'AbortError' })
    const late = new AbortController()
    const reason = new Error('enough')
    const response = await streamingFetch(url, post)
    const reading = readAll(response, late.signal, () => {
      late.abort(reason)
      return false
    })
    await expect(reading).rejects.toBe(reason)
  })

  it('takes a broken connection for an error, an end for an end, and passes on what a reader throws', async () => {
    const url = await serve((request, response) => {
      response.writeHead(200, sse)
      response.write('data: one\n\n', () => (request.url === '/drop' ? response.destroy() : response.end()))
    })
    await expect(readAll(await streamingFetch(`${url}/drop`, post))).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect((await readAll(await streamingFetch(`${url}/end`, post))).messages).toEqual(['one'])
    const broken = readAll(await streamingFetch(`${url}/end`, post), undefined, () => {
      throw new SyntaxError('not JSON')
    })
    await expect(broken).rejects.toThrow('not JSON')
    await close()
    close = async () => {}
    await expect(streamingFetch(url, post)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
