import { WebhookDelivery, WebhookReceipt } from '#shared/domain/delivery.ts'
import { definePipeline } from './define.ts'
import { webhookSchedule } from './retry.ts'

/**
 * A callback as a run of its own: a receiver that is down for hours must not hold the customer's ticket open, and gets the
 * engine's retries, dead letters and redrive like everything else.
 */
export const sendWebhook = definePipeline({
  name: 'send-webhook',
  version: 1,
  facts: { delivery: WebhookDelivery, webhookReceipt: WebhookReceipt },
  given: 'delivery',
  start: 'send',
  deadline: { interactive: '2d', standard: '2d', offline: '2d' },
  steps: {
    send: {
      reads: ['delivery'],
      retry: webhookSchedule,
      deadline: '20s',
      on: { sent: { writes: ['webhookReceipt'], to: 'done' } },
    },
  },
  ends: ['done'],
})
