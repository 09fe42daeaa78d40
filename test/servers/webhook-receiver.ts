import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import * as z from 'zod'

/** What strict receivers allow between their clock and the sender's (the tolerance of the reference libraries). */
const TOLERANCE_S = 300
const Payload = z.object({ data: z.object({ ticketId: z.string(), answer: z.object({ text: z.string() }) }) })

export type Received = {
  readonly id: string
  readonly tenantId: string
  readonly ticketId: string
  readonly text: string
  readonly signed: boolean
  /** A strict receiver would have refused it for its timestamp. */
  readonly outOfTime: boolean
}
export type WebhookReceiver = {
  urlFor(tenantId: string): string
  readonly received: () => readonly Received[]
  /** The next so many messages are answered 500 when they come for the first time. */
  refuse(count: number): void
  close(): Promise<void>
}

/** Receives callbacks as a customer's server would: checks the signature with the tenant's secret and keeps what came. */
export async function startWebhookReceiver(secretOf: (tenantId: string) => string): Promise<WebhookReceiver> {
  const received: Received[] = []
  const refused = new Set<string>()
  let refusals = 0
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const id = String(request.headers['webhook-id'])
    if (refusals > 0 && !refused.has(id)) {
      refusals--
      refused.add(id)
      return response.writeHead(500).end()
    }
    const body = Buffer.concat(chunks).toString('utf8')
    const tenantId = request.url!.slice(1)
    const header = (name: string) => String(request.headers[name] ?? '')
    const timestamp = Number(header('webhook-timestamp'))
    // The library verifies signature and clock in one; with a clock that jumps they are two questions.
    const expected = new Webhook(secretOf(tenantId)).sign(header('webhook-id'), new Date(timestamp * 1_000), body)
    const { data } = Payload.parse(JSON.parse(body))
    received.push({
      id: header('webhook-id'),
      tenantId,
      ticketId: data.ticketId,
      text: data.answer.text,
      signed: header('webhook-signature').split(' ').includes(expected),
      outOfTime: Math.abs(Date.now() / 1_000 - timestamp) > TOLERANCE_S,
    })
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    urlFor: (tenantId) => `http://127.0.0.1:${port}/${tenantId}`,
    received: () => received,
    refuse: (count) => {
      refusals = count
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
