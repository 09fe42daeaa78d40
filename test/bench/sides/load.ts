import { randomUUID } from 'node:crypto'
import autocannon from 'autocannon'
import { BENCH_KEY } from '../bench-config.ts'
import { answerCalls } from '../side.ts'

/** The clients, in a process of their own. */
type Load = { readonly url: string; readonly seconds: number; readonly connections: number }
export type Fired = {
  readonly perSecond: number
  readonly accepted: number
  readonly others: number
  readonly p50: number
  readonly p99: number
}
export type Flooded = {
  readonly statuses: Record<string, number>
  readonly refusedWithoutRetryAfter: number
  readonly slowestMs: number
}

const headersOf = (key: string) => ({
  authorization: `Bearer ${BENCH_KEY}`,
  'content-type': 'application/json',
  'idempotency-key': key,
})
const bodyOf = (key: string) =>
  JSON.stringify({
    subject: 'My hub is offline since this morning',
    body: `Since the storm last night the light on my hub blinks red and the app says it is offline. I have restarted it twice. Reference ${key}.`,
    channel: 'email',
    requester: { id: `customer-${key.slice(0, 2)}`, email: 'customer@example.com', tier: 'standard' },
  })

/** As fast as the server answers; every request is a new ticket under a key of its own. */
async function fire({ url, seconds, connections }: Load): Promise<Fired> {
  const key = randomUUID()
  const result = await autocannon({
    url: `${url}/v1/tickets`,
    connections,
    duration: seconds,
    requests: [{ method: 'POST', path: '/v1/tickets', headers: headersOf(key), body: bodyOf(key) }],
    setupClient: (client) => renewKeys(client, key),
  })
  const accepted = result['2xx']
  return {
    perSecond: accepted / result.duration,
    accepted,
    others: result.non2xx + result.errors,
    p50: result.latency.p50,
    p99: result.latency.p99,
  }
}

/**
 * Writes a new key over the old one in the request that the client has ready. Building each request anew took a quarter of the clients'
 * time, which is the product's: they share the machine.
 */
function renewKeys(client: autocannon.Client, first: string): void {
  const { requestBuffer } = (client as unknown as { requestIterator: { currentRequest: { requestBuffer: Buffer } } })
    .requestIterator.currentRequest
  const text = requestBuffer.toString('latin1')
  const keysAt = [...text.matchAll(RegExp(first, 'g'))].map(({ index }) => index)
  const customerAt = text.indexOf(`customer-${first.slice(0, 2)}`) + 'customer-'.length
  const renew = () => {
    const key = randomUUID()
    for (const at of keysAt) requestBuffer.write(key, at, 'latin1')
    requestBuffer.write(key.slice(0, 2), customerAt, 'latin1')
  }
  renew()
  client.on('response', renew)
}

/** The same, and looks at every refusal. */
async function flood({ url, seconds, connections }: Load): Promise<Flooded> {
  const statuses: Record<string, number> = {}
  let refusedWithoutRetryAfter = 0
  let slowestMs = 0
  const until = performance.now() + seconds * 1_000
  const client = async () => {
    while (performance.now() < until) {
      const key = randomUUID()
      const startedAt = performance.now()
      const response = await fetch(`${url}/v1/tickets`, { method: 'POST', headers: headersOf(key), body: bodyOf(key) })
      await response.arrayBuffer()
      slowestMs = Math.max(slowestMs, performance.now() - startedAt)
      statuses[response.status] = (statuses[response.status] ?? 0) + 1
      if (response.status >= 400 && !/^[1-9]\d*$/.test(response.headers.get('retry-after') ?? '')) refusedWithoutRetryAfter++
    }
  }
  await Promise.all(Array.from({ length: connections }, client))
  return { statuses, refusedWithoutRetryAfter, slowestMs }
}

/** The same tickets under the same keys, twice. @returns how many of the second ones were answered as repeats, byte for byte */
async function repeat({ url, n }: { readonly url: string; readonly n: number }): Promise<number> {
  let replayed = 0
  for (let i = 0; i < n; i++) {
    const key = randomUUID()
    const send = () => fetch(`${url}/v1/tickets`, { method: 'POST', headers: headersOf(key), body: bodyOf(key) })
    const first = await (await send()).text()
    const second = await send()
    if (second.headers.get('idempotency-replayed') === 'true' && (await second.text()) === first) replayed++
  }
  return replayed
}

answerCalls({ fire, flood, repeat }, async () => {})
