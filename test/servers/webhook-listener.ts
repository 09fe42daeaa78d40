import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'

export type WebhookListener = {
  readonly url: string
  /** How many messages have come. */
  readonly count: () => number
  /**
   * All that came, read with the tenant's secret.
   * @throws WebhookVerificationError when a signature or a timestamp is wrong
   */
  verified<T>(secret: string): T[]
  close(): void
}

/** Takes any signed message and keeps it as it came; `startWebhookReceiver` knows what answers look like. */
export async function startWebhookListener(): Promise<WebhookListener> {
  const told: { body: string; headers: Record<string, string> }[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    told.push({ body: Buffer.concat(chunks).toString(), headers: request.headers as Record<string, string> })
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => told.length,
    verified: <T>(secret: string) => told.map(({ body, headers }) => new Webhook(secret).verify(body, headers) as T),
    close: () => void server.close(),
  }
}
