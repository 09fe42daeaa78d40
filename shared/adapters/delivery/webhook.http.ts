import { Webhook as Signer } from 'standardwebhooks'
import { retryable, terminal } from '#shared/domain/failure.ts'
import type { Webhook } from '#shared/ports/webhook.ts'
import { AddressRefused, createAddressRule } from './address-rule.ts'
import { createCheckedPost, type Post, type Posted } from './post-checked.ts'

const MAX_RETRY_AFTER_MS = 60 * 60_000

/**
 * POST, signed as Standard Webhooks asks (headers `webhook-id`, `webhook-timestamp`, `webhook-signature`), to public addresses
 * and those of the operator's networks (decision 43). Redirects are not followed: an address that was checked must not lead to
 * another one. The reply's body is not read.
 * @param networks that may be reached though they are not public
 */
export function createHttpWebhook(
  networks: readonly string[],
  post: Post = createCheckedPost(createAddressRule(networks)),
): Webhook {
  return {
    async send({ id, url, secret, body, timestamp }, signal) {
      const { host, username, password } = new URL(url)
      if (username !== '' || password !== '')
        throw terminal(
          'webhook-address-refused',
          `the address at ${host} holds a user name or password; callbacks are signed instead`,
        )
      const signature = new Signer(secret).sign(id, timestamp, body)
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'answerline',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(timestamp.getTime() / 1_000)),
        'webhook-signature': signature,
      }
      let posted: Posted
      try {
        posted = await post(url, { body, headers, signal })
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof AddressRefused)
          throw terminal(
            'webhook-address-refused',
            `${host} is, or leads to, an address that is not public; the operator may name its network in CALLBACK_NETWORKS`,
          )
        // The code alone: the driver's words would tell which address a name of the inner network has.
        const { code = 'failed' } = error as { code?: string }
        throw retryable('webhook-unreachable', `no reply from ${host}: ${code}`, undefined, error)
      }
      return judge(posted, host, timestamp)
    },
  }
}

/** Standard Webhooks: 2xx is success, 410 means never again; everything else may be over by the next try. */
function judge({ status, retryAfter }: Posted, host: string, now: Date): number {
  if (status >= 200 && status < 300) return status
  if (status === 410) throw terminal('webhook-gone', `${host} answered 410 and wants no more of these`)
  throw retryable('webhook-refused', `${host} answered ${status}`, retryAfterMsOf(retryAfter, now))
}

/** Seconds or an HTTP date (RFC 9110, section 10.2.3). */
function retryAfterMsOf(value: string | undefined, now: Date): number | undefined {
  if (!value) return undefined
  const seconds = Number(value)
  const waitMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - now.getTime()
  return waitMs > 0 ? Math.min(waitMs, MAX_RETRY_AFTER_MS) : undefined
}
