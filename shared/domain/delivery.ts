import * as z from 'zod'

/** The subject of `send-webhook`: one signed message to one address. Its text is already what the customer may see. */
export const WebhookDelivery = z.object({
  /** Stable across retries, so that the receiver can drop a repeat (`webhook-id` of Standard Webhooks). */
  messageId: z.string(),
  url: z.url(),
  body: z.string(),
})
export type WebhookDelivery = z.infer<typeof WebhookDelivery>

export const WebhookReceipt = z.object({ status: z.int(), sentAt: z.iso.datetime() })
export type WebhookReceipt = z.infer<typeof WebhookReceipt>
