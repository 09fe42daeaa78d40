import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Strike } from './faults.ts'

export type Latency = { readonly firstTokenMs: number; readonly tokensPerSecond: number }
export const NO_LATENCY: Latency = { firstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY }
const SLOW: Latency = { firstTokenMs: 800, tokensPerSecond: 20 }

const THINKING_PINGS = 8
const THINKING_PING_MS = 300

const MAX_BODY_BYTES = 32 * 1_024 * 1_024

/** One request and its reply: what all simulated APIs need of HTTP, and how faults of the wire look. */
export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly strike: Strike | undefined
  readonly latency: Latency
  readonly #gone = new AbortController()

  constructor(request: IncomingMessage, response: ServerResponse, strike: Strike | undefined, latency: Latency) {
    this.request = request
    this.response = response
    this.strike = strike
    this.latency = strike?.fault === 'slow' ? SLOW : latency
    response.once('close', () => this.#gone.abort())
  }

  get fault() {
    return this.strike?.fault
  }

  json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    this.response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  }

  /** Sends a whole reply as late as its last token would come. */
  async whole(body: unknown, tokens: number) {
    const { firstTokenMs, tokensPerSecond } = this.latency
    await this.wait(firstTokenMs + (tokens * 1_000) / tokensPerSecond)
    if (this.fault === 'drop') this.response.destroy()
    else if (this.fault === 'stall') this.#halfAnd(JSON.stringify(body), 'stall')
    else if (this.fault === 'half') this.#halfAnd(JSON.stringify(body), 'half')
    else this.json(200, body)
  }

  #halfAnd(text: string, then: 'stall' | 'half') {
    this.response.writeHead(200, { 'content-type': 'application/json' })
    this.response.write(text.slice(0, text.length / 2))
    if (then === 'half') this.response.end()
  }

  /**
   * Streams a reply as server-sent events, or as much of it as the fault allows.
   * @param head events before the first piece, @param tail events after the last one
   * @param ping what the provider sends while its model thinks
   */
  async stream(head: readonly string[], pieces: readonly string[], tail: readonly string[], ping: string) {
    this.response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    await this.wait(this.latency.firstTokenMs)
    for (const event of head) this.response.write(event)
    for (let i = 0; this.fault === 'thinking' && i < THINKING_PINGS; i++) {
      this.response.write(ping)
      await this.wait(THINKING_PING_MS)
    }
    const breakAt = ['stall', 'half', 'drop'].includes(this.fault ?? '') ? Math.ceil(pieces.length / 2) : pieces.length
    await this.#writePaced(pieces.slice(0, breakAt))
    if (this.fault === 'stall' || this.#gone.signal.aborted) return
    // Only once the bytes have left: a socket that breaks in the middle has delivered its first half.
    if (this.fault === 'drop') return void this.response.write(' ', () => this.response.destroy())
    if (this.fault !== 'half') for (const event of tail) this.response.write(event)
    this.response.end()
  }

  /**
   * Each piece at its moment, counted from the first: a provider is not slowed down by what else its caller's machine does, so what
   * is late here is sent as soon as it can be. One timer and no promise a piece, for whoever simulates shares the processor.
   */
  #writePaced(pieces: readonly string[]): Promise<void> {
    const pauseMs = 1_000 / this.latency.tokensPerSecond
    const startedMs = performance.now()
    const { signal } = this.#gone
    return new Promise((resolve) => {
      let next = 0
      const write = () => {
        if (signal.aborted) return resolve()
        const elapsedMs = performance.now() - startedMs
        const due = pauseMs === 0 ? pieces.length : Math.floor(elapsedMs / pauseMs) + 1
        while (next < Math.min(due, pieces.length)) this.response.write(pieces[next++])
        if (pauseMs === 0 || due > pieces.length) resolve()
        else setTimeout(write, Math.max(1, next * pauseMs - elapsedMs))
      }
      write()
    })
  }

  /** Whoever hung up needs no reply; the wait ends early and what follows writes into the void. */
  async wait(waitMs: number) {
    if (waitMs > 0) await delay(waitMs, undefined, { signal: this.#gone.signal }).catch(() => {})
  }
}

/** @throws RangeError when the body is larger than any provider accepts */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new RangeError('the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
