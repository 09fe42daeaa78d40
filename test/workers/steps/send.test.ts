import { expect, test } from 'vitest'
import { WebhookReceipt } from '#shared/domain/delivery.ts'
import { retryable, StepFailure } from '#shared/domain/failure.ts'
import type { Webhook, WebhookMessage } from '#shared/ports/webhook.ts'
import { sampleTenant } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { send } from '#workers/steps/send.ts'

const SECRET = `whsec_${'a'.repeat(32)}`
const delivery = { messageId: 'msg_1', url: 'https://shop.example/hook', body: '{"type":"ticket.answered"}' }
const tenant = sampleTenant({ webhook: { secret: SECRET } })

function receiver(status: number | Error = 204) {
  const sent: { message: WebhookMessage; signal: AbortSignal }[] = []
  const webhook: Webhook = {
    async send(message, signal) {
      sent.push({ message, signal })
      if (status instanceof Error) throw status
      return status
    },
  }
  return { webhook, sent }
}

test('sends the message once, signed with the tenant’s secret, and writes what was answered', async () => {
  const { webhook, sent } = receiver()
  const context = stepContext({ tenant })
  const { outcome, facts } = await send({ delivery }, { webhook }, context)
  expect([outcome, facts.webhookReceipt]).toEqual(['sent', { status: 204, sentAt: '2026-11-21T12:00:00.000Z' }])
  expect(WebhookReceipt.parse(facts.webhookReceipt)).toEqual(facts.webhookReceipt)
  const message = { id: 'msg_1', url: delivery.url, secret: SECRET, body: delivery.body, timestamp: context.now }
  expect(sent).toEqual([{ message, signal: context.signal }])
})

test('keeps the id of the message over all tries, while its time is that of the try', async () => {
  const { webhook, sent } = receiver()
  for (const attempt of [1, 2, 3])
    await send({ delivery }, { webhook }, stepContext({ tenant, attempt, seq: attempt, now: new Date(attempt * 1_000) }))
  expect(new Set(sent.map(({ message }) => message.id))).toEqual(new Set(['msg_1']))
  expect(sent.map(({ message }) => message.timestamp.getTime())).toEqual([1_000, 2_000, 3_000])
})

test('without a secret nothing is sent; the failure is final and says what to do', async () => {
  const { webhook, sent } = receiver()
  const error = await send({ delivery }, { webhook }, stepContext()).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StepFailure)
  const { failure } = error as StepFailure
  expect(failure).toMatchObject({ kind: 'terminal', code: 'webhook-without-secret' })
  expect(failure.message).toMatch(/webhook\.secret.*PATCH \/v1\/tenants\/acme.*redrive/)
  expect(sent).toEqual([])
})

test('what the receiver’s side says of trouble is passed on as it is', async () => {
  const failure = retryable('webhook-refused', '503', 5_000)
  await expect(send({ delivery }, receiver(failure), stepContext({ tenant }))).rejects.toBe(failure)
})
