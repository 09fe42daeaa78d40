import { Webhook as Signer } from 'standardwebhooks'
import { retryable, terminal } from '#shared/domain/failure.ts'
import type { Webhook } from '#shared/ports/webhook.ts'

const MAX_RETRY_AFTER_MS = 60 * 60_000

/**
 * POST, signed as Standard Webhooks asks (headers `webhook-id`, `webhook-timestamp`, `webhook-signature`). Redirects are not
 * followed: an address that was checked must not lead to another one. The reply's body is not read.
 */
export function createHttpWebhook(fetchNow: typeof fetch = fetch): Webhook {
  return {
    async send({ id, url, secret, body, timestamp }, signal) {
      const signature = new Signer(secret).sign(id, timestamp, body)
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'answerline',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(timestamp.getTime() / 1_000)),
        'webhook-signature': signature,
      }
      let response: Response
      try {
        response = await fetchNow(url, { method: 'POST', body, headers, signal, redirect: 'manual' })
      } catch (error) {
        signal.throwIfAborted()
        throw retryable(
          'webhook-unreachable',
          `no reply from ${new URL(url).host}: ${String((error as Error).cause ?? error)}`,
          undefined,
          error,
        )
      }
      // The status says it all; a body that breaks off changes nothing.
      await response.body?.cancel().catch(() => {})
      return judge(response, url, timestamp)
    },
  }
}

/** Standard Webhooks: 2xx is success, 410 means never again; everything else may be over by the next try. */
function judge(response: Response, url: string, now: Date): number {
  const { host } = new URL(url)
  if (response.ok) return response.status
  if (response.status === 410) throw terminal('webhook-gone', `${host} answered 410 and wants no more of these`)
  throw retryable('webhook-refused', `${host} answered ${response.status}`, retryAfterMsOf(response.headers, now))
}

/** Seconds or an HTTP date (RFC 9110, section 10.2.3). */
function retryAfterMsOf(headers: Headers, now: Date): number | undefined {
  const value = headers.get('retry-after')
  if (!value) return undefined
  const seconds = Number(value)
  const waitMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - now.getTime()
  return waitMs > 0 ? Math.min(waitMs, MAX_RETRY_AFTER_MS) : undefined
}
