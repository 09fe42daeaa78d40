import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { BENCH_KEY } from '../bench-config.ts'
import { answerCalls } from '../side.ts'
import { frames, open, readAll } from './http-stream.ts'

/** The customers, in a process of their own. */

export type Question = { readonly subject: string; readonly body: string }
export type Conversed = {
  readonly firstTokenMs: number[]
  readonly fullMs: number[]
  readonly statuses: Record<string, number>
  readonly errors: string[]
  readonly peakStreaming: number
  /** Conversations that had begun and had a turn to go. */
  readonly peakAlive: number
  /** Turns that were not begun within the time. */
  readonly unasked: number
  readonly chunks: number
  readonly seconds: number
}
export type Converse = {
  readonly url: string
  readonly conversations: number
  readonly turns: number
  /** Conversations begin spread over this time; all of them stay open to the end of their last turn. */
  readonly rampSeconds: number
  /** From the end of a reply to the next question: mean, spread by half. */
  readonly thinkSeconds: number
  /** From the beginning; no turn begins later. */
  readonly maxSeconds: number
  readonly questions: readonly Question[]
  readonly name: string
}

/** One reply through chat completions. */
async function ask(url: string, content: string, conversationId: string, user: string) {
  const startedAt = performance.now()
  let firstAt: number | undefined
  let chunks = 0
  let status = 'none'
  let done = false
  const body = {
    model: 'support',
    stream: true,
    messages: [{ role: 'user', content }],
    answerline: { conversationId, requester: { id: user } },
  }
  const response = await open(`${url}/v1/chat/completions`, BENCH_KEY, { method: 'POST', body })
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${(await readAll(response)).slice(0, 200)}`)
  for await (const frame of frames(response)) {
    if (frame === 'data: [DONE]') done = true
    else if (frame.startsWith('data: {"error"')) throw new Error(frame.slice(0, 200))
    else {
      chunks++
      if (firstAt === undefined && !frame.includes('"content":""') && frame.includes('"content":')) firstAt = performance.now()
      const said = /"answerline":\{.*?"status":"(\w+)"/.exec(frame)?.[1]
      if (said !== undefined) status = said
    }
  }
  if (!done || firstAt === undefined) throw new Error('the stream ended early')
  return { firstMs: firstAt - startedAt, fullMs: performance.now() - startedAt, status, chunks }
}

async function converse(options: Converse): Promise<Conversed> {
  const { url, conversations, turns, rampSeconds, thinkSeconds, maxSeconds, questions, name } = options
  const result = {
    firstTokenMs: [] as number[],
    fullMs: [] as number[],
    statuses: {} as Record<string, number>,
    errors: [] as string[],
    chunks: 0,
    unasked: 0,
  }
  let streaming = 0
  let peakStreaming = 0
  let alive = 0
  let peakAlive = 0
  const startedAt = performance.now()
  const one = async (i: number) => {
    await sleep((i / conversations) * rampSeconds * 1_000)
    peakAlive = Math.max(peakAlive, ++alive)
    for (let turn = 0; turn < turns; turn++) {
      if (turn > 0) await sleep(thinkSeconds * 1_000 * (0.5 + ((i * 7919 + turn * 104_729) % 1_000) / 1_000))
      if (performance.now() - startedAt > maxSeconds * 1_000) {
        result.unasked++
        continue
      }
      const { subject, body } = questions[(i + turn) % questions.length]!
      const content = `${turn === 0 ? '' : 'Thanks. And another question: '}${subject}. ${body}`
      peakStreaming = Math.max(peakStreaming, ++streaming)
      try {
        const { firstMs, fullMs, status, chunks } = await ask(url, content, `${name}-${i}`, `user-${i}`)
        result.firstTokenMs.push(firstMs)
        result.fullMs.push(fullMs)
        result.chunks += chunks
        result.statuses[status] = (result.statuses[status] ?? 0) + 1
      } catch (error) {
        if (result.errors.length < 20) result.errors.push(String(error))
        result.statuses['error'] = (result.statuses['error'] ?? 0) + 1
      } finally {
        streaming--
      }
    }
    alive--
  }
  await Promise.all(Array.from({ length: conversations }, (_, i) => one(i)))
  return { ...result, peakStreaming, peakAlive, seconds: (performance.now() - startedAt) / 1_000 }
}

/** The same question again and again, one at a time. @returns milliseconds of each whole reply, and how many came from the cache */
async function cached({ url, n, question }: { readonly url: string; readonly n: number; readonly question: Question }) {
  const times: number[] = []
  let hits = 0
  for (let i = 0; i <= n; i++) {
    const startedAt = performance.now()
    const body = { model: 'support', messages: [{ role: 'user', content: `${question.subject}. ${question.body}` }] }
    const response = await open(`${url}/v1/chat/completions`, BENCH_KEY, { method: 'POST', body })
    const reply = JSON.parse(await readAll(response)) as { answerline?: { status: string; usage: { calls: number } } }
    // The first one fills the cache.
    if (i === 0) continue
    times.push(performance.now() - startedAt)
    if (reply.answerline?.status === 'answered' && reply.answerline.usage.calls === 0) hits++
  }
  return { times, hits }
}

let held: IncomingMessage[] = []
/** Opens so many event streams, each on a ticket of its own, and leaves them open. @returns how many are */
async function hold({ url, ticketIds }: { readonly url: string; readonly ticketIds: readonly string[] }): Promise<number> {
  for (let i = 0; i < ticketIds.length; i += 100) {
    const some = ticketIds.slice(i, i + 100)
    held.push(
      ...(await Promise.all(
        some.map(async (id) => {
          const response = await open(`${url}/v1/tickets/${id}/events`, BENCH_KEY, { method: 'GET', fresh: true })
          response.resume()
          return response
        }),
      )),
    )
  }
  return held.filter((response) => response.statusCode === 200 && !response.destroyed).length
}
async function letGo(): Promise<void> {
  for (const response of held) response.destroy()
  held = []
}

type Cuts = {
  readonly urls: readonly string[]
  readonly streams: number
  readonly cuts: number
  readonly perSecond: number
  readonly questions: readonly Question[]
}
export type CutResult = {
  readonly identical: number
  readonly finished: number
  readonly events: number
  readonly resumed: number
  readonly examples: string[]
}

/** Each ticket is followed by one that stays and one that is cut and comes back, to another process each time. */
async function cut({ urls, streams, cuts, perSecond, questions }: Cuts): Promise<CutResult> {
  const result = { identical: 0, finished: 0, events: 0, resumed: 0, examples: [] as string[] }
  const one = async (i: number) => {
    await sleep((i / perSecond) * 1_000)
    const { subject, body } = questions[i % questions.length]!
    const ticket = { subject, body, channel: 'chat', requester: { id: `cut-${i}` } }
    const response = await open(`${urls[0]}/v1/tickets`, BENCH_KEY, { method: 'POST', body: ticket })
    const { ticketId } = JSON.parse(await readAll(response)) as { ticketId: string }
    const [whole, pieced] = await Promise.all([follow(urls[0]!, ticketId), followCut(urls, ticketId, cuts, i)])
    result.finished++
    result.events += pieced.frames.length
    result.resumed += pieced.resumed
    if (whole.join('\n\n') === pieced.frames.join('\n\n')) result.identical++
    else if (result.examples.length < 3)
      result.examples.push(`${pieced.resumed} cuts\n${whole.join('\n')}\n--\n${pieced.frames.join('\n')}`.slice(0, 3_000))
  }
  await Promise.all(Array.from({ length: streams }, (_, i) => one(i)))
  return result
}

async function follow(url: string, ticketId: string): Promise<string[]> {
  const response = await open(`${url}/v1/tickets/${ticketId}/events`, BENCH_KEY, { method: 'GET' })
  const all: string[] = []
  for await (const frame of frames(response)) all.push(frame)
  return all
}

/** Cuts after one to three events, at places that the ticket's number decides. */
async function followCut(urls: readonly string[], ticketId: string, cuts: number, seed: number) {
  const all: string[] = []
  let resumed = 0
  for (;;) {
    const lastId = all.length > 0 ? /^id: (.+)$/m.exec(all.at(-1)!)?.[1] : undefined
    const url = urls[(seed + resumed) % urls.length]!
    const headers = lastId === undefined ? {} : { 'last-event-id': lastId }
    const response = await open(`${url}/v1/tickets/${ticketId}/events`, BENCH_KEY, { method: 'GET', headers, fresh: true })
    if (response.statusCode === 204) return { frames: all, resumed }
    let left = resumed < cuts ? 1 + ((seed + resumed * 5) % 3) : Number.POSITIVE_INFINITY
    for await (const frame of frames(response)) {
      all.push(frame)
      if (--left === 0) break
    }
    response.destroy()
    if (left > 0) return { frames: all, resumed }
    resumed++
  }
}

/** The provider alone, asked as the product asks it. @returns milliseconds to the first text and to the end */
async function bare({ url, n }: { readonly url: string; readonly n: number }) {
  const firstTokenMs: number[] = []
  const fullMs: number[] = []
  await Promise.all(
    Array.from({ length: n }, async (_, i) => {
      await sleep(i * 20)
      const startedAt = performance.now()
      const body = { model: 'gpt-6.1-terra', stream: true, messages: [{ role: 'user', content: 'x' }] }
      const response = await open(`${url}/v1/chat/completions`, 'simulated', { method: 'POST', body })
      let first = true
      for await (const frame of frames(response)) {
        if (!first || !/"content":"[^"]/.test(frame)) continue
        first = false
        firstTokenMs.push(performance.now() - startedAt)
      }
      fullMs.push(performance.now() - startedAt)
    }),
  )
  return { firstTokenMs, fullMs }
}

answerCalls({ converse, cached, hold, letGo, cut, bare }, letGo)
