import { Webhook } from 'standardwebhooks'
import * as z from 'zod'
import type { App } from '../app.ts'
import type { ApiDeps } from '../deps.ts'
import { lookNow } from '../look-at-batch.ts'
import { notFound, Problem } from '../problem.ts'
import { responses } from '../schemas.ts'

const Params = z.object({ provider: z.enum(['openai', 'anthropic']) })
const Event = z.looseObject({ type: z.string(), data: z.looseObject({ id: z.string().max(200) }) })
const Taken = z.object({ received: z.literal(true), repeated: z.boolean(), known: z.boolean() })
/** Longer than signatures are accepted (5 minutes) and than providers repeat a delivery. */
const KEEP_RECEIPTS_MS = 4 * 86_400_000
const MAX_BYTES = 65_536

/**
 * Where providers tell that a batch has ended, signed as Standard Webhooks ask; no key of ours is needed. What it says is only taken for a
 * hint to look: the provider itself is asked. A delivery that comes again is acknowledged and does nothing.
 */
export function providerWebhookRoutes(app: App, deps: ApiDeps): void {
  // The signature is over the bytes as they came.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: MAX_BYTES }, (_request, body, done) =>
    done(null, body),
  )
  app.post(
    '/webhooks/:provider',
    {
      schema: {
        tags: ['operations'],
        summary: "A provider's signed word that a batch has ended",
        security: [],
        params: Params,
        response: responses({ 200: Taken }),
      },
    },
    async ({ params, headers, body }) => {
      const { provider } = params
      const secret = deps.webhookSecrets[provider]
      if (secret === undefined) throw notFound('webhook')
      const event = verified(secret, String(body), headers)
      const id = String(headers['webhook-id'])
      if (!(await deps.batches.takeWebhook(provider, id, KEEP_RECEIPTS_MS)))
        return { received: true, repeated: true, known: false } as const
      const batchId = await deps.batches.byRemoteId(provider, event.data.id)
      if (batchId !== undefined) await lookNow(deps, batchId)
      return { received: true, repeated: false, known: batchId !== undefined } as const
    },
  )
}

/** @throws Problem 401 for a signature that is missing, wrong or older than 5 minutes; 422 for a body of another shape */
function verified(
  secret: string,
  body: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): z.infer<typeof Event> {
  const signed = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
  let payload: unknown
  try {
    payload = new Webhook(secret).verify(body, signed)
  } catch {
    throw new Problem(401, 'bad-signature', 'the signature is missing, wrong or too old')
  }
  const event = Event.safeParse(payload)
  if (!event.success) throw new Problem(422, 'invalid-request', 'this is no event of a batch')
  return event.data
}
