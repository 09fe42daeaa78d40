import { terminal } from '#shared/domain/failure.ts'
import type { Step } from '#workers/step.ts'

/** One signed POST. The message id stays the same over all tries, so that the receiver can drop a repeat. */
export const send: Step<'send-webhook', 'send', 'webhook'> = async ({ delivery }, { webhook }, { tenant, now, signal }) => {
  const { secret } = tenant.config.webhook
  if (secret === undefined) {
    throw terminal(
      'webhook-without-secret',
      `tenant "${tenant.id}" has no webhook.secret; set one with PATCH /v1/tenants/${tenant.id} and redrive`,
    )
  }
  const status = await webhook.send(
    { id: delivery.messageId, url: delivery.url, secret, body: delivery.body, timestamp: now },
    signal,
  )
  return { outcome: 'sent', facts: { webhookReceipt: { status, sentAt: now.toISOString() } } }
}
