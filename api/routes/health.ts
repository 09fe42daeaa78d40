import * as z from 'zod'
import type { App } from '../app.ts'
import { authenticate, authorize } from '../auth.ts'
import type { ApiDeps, Checks } from '../deps.ts'
import { Problem } from '../problem.ts'
import { responses } from '../schemas.ts'

const Health = z.object({
  ok: z.literal(true),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
})

async function passed(check: () => Promise<Checks>, code: string): Promise<{ ok: true; checks: Checks['checks'] }> {
  const { ok, checks } = await check()
  if (ok) return { ok, checks }
  const failed = Object.keys(checks).filter((name) => !checks[name]!.ok)
  throw new Problem(503, code, `failed: ${failed.join(', ')}`, { retryAfterSeconds: 2, members: { ok, checks } })
}

/** For supervisors, load balancers and Prometheus: no key needed, so nothing here names a tenant, a ticket or a host. */
export function healthRoutes(app: App, deps: ApiDeps): void {
  const open = (summary: string) => ({
    schema: { tags: ['operations'], summary, security: [], response: responses({ 200: Health }) },
  })
  app.get('/healthz', open('Alive: the event loop turns and queues are consumed'), () => passed(deps.liveness, 'not-alive'))
  app.get('/readyz', open('Ready: stores answer and a model could'), () => passed(deps.readiness, 'not-ready'))
  app.get(
    '/metrics',
    {
      schema: {
        tags: ['operations'],
        summary: 'Prometheus text format',
        security: deps.metricsOpen === false ? [{ key: [] }] : [],
        response: responses({ 200: z.string() }),
      },
      onRequest: async (request) => {
        if (deps.metricsOpen === false) authorize(await authenticate(request, deps), ['operator'])
      },
    },
    async (_request, reply) => {
      const { contentType, body } = await deps.telemetry.expose()
      return reply.header('content-type', contentType).send(body)
    },
  )
}
