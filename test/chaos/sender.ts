import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import type { ChaosTicket } from './knowledge.ts'

const Accepted = z.object({ ticketId: z.string(), runId: z.string() })
const GIVE_UP_MS = 60_000
const RETRY_MS = 150

export type Ack = { readonly ticket: ChaosTicket; readonly ticketId: string; readonly runId: string }
export type Sender = {
  /** Sends until it is acknowledged, always under the same key, as a careful producer does. */
  post(ticket: ChaosTicket): Promise<void>
  postAll(tickets: readonly ChaosTicket[], atOnce?: number): Promise<void>
  /** A steady stream; resolves when the last one is acknowledged. */
  stream(tickets: readonly ChaosTicket[], perSecond: number): Promise<void>
  /** Counts an acknowledgement that came by another way. */
  acknowledge(ticket: ChaosTicket, ids: { readonly ticketId: string; readonly runId: string }): void
  request(
    tenantId: string,
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>
  /** Value of the header. */
  readonly authorization: string
  isAcknowledged(ref: string): boolean
  readonly acks: () => readonly Ack[]
  /** Sends that had to be repeated: refused, or no reply came. */
  readonly repeats: () => number
  /** Tickets that were acknowledged twice with different ids, or never. */
  readonly problems: () => readonly string[]
}

/** @param url is asked every time: an API that was restarted listens elsewhere */
export function createSender(url: () => string, adminKey: string): Sender {
  const acks = new Map<string, Ack>()
  const problems: string[] = []
  let repeats = 0
  const authorization = `Bearer ${adminKey}`
  const request: Sender['request'] = (tenantId, method, path, body, headers = {}) =>
    fetch(`${url()}${path}`, {
      method,
      headers: {
        authorization,
        'x-tenant-id': tenantId,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    })
  const acknowledge: Sender['acknowledge'] = (ticket, { ticketId, runId }) => {
    const before = acks.get(ticket.ref)
    if (before && before.ticketId !== ticketId)
      problems.push(`${ticket.ref} was acknowledged as ${before.ticketId} and as ${ticketId}`)
    acks.set(ticket.ref, { ticket, ticketId, runId })
  }
  const post = async (ticket: ChaosTicket): Promise<void> => {
    const deadline = performance.now() + GIVE_UP_MS
    for (;;) {
      const headers = { 'idempotency-key': ticket.ref }
      const response = await request(ticket.tenantId, 'POST', '/v1/tickets', ticket.body, headers).catch(() => undefined)
      const body = await response?.json().catch(() => undefined)
      if (response?.status === 202) return acknowledge(ticket, Accepted.parse(body))
      if (performance.now() > deadline)
        return void problems.push(`${ticket.ref} was never accepted: ${response?.status ?? 'no reply'}`)
      repeats++
      await sleep(RETRY_MS)
    }
  }
  return {
    post,
    request,
    authorization,
    acknowledge,
    async postAll(tickets, atOnce = 20) {
      const queue = [...tickets]
      const work = async () => {
        for (let ticket = queue.shift(); ticket; ticket = queue.shift()) await post(ticket)
      }
      await Promise.all(Array.from({ length: Math.min(atOnce, tickets.length) }, work))
    },
    async stream(tickets, perSecond) {
      const startedAt = performance.now()
      const posts = []
      for (const [i, ticket] of tickets.entries()) {
        const waitMs = startedAt + (i * 1_000) / perSecond - performance.now()
        if (waitMs > 0) await sleep(waitMs)
        posts.push(post(ticket))
      }
      await Promise.all(posts)
    },
    isAcknowledged: (ref) => acks.has(ref),
    acks: () => [...acks.values()],
    repeats: () => repeats,
    problems: () => problems,
  }
}
