import Fastify, { type FastifyInstance } from 'fastify'
import type { Telemetry } from '#shared/ports/telemetry.ts'

type Checks = { readonly ok: boolean; readonly checks: Readonly<Record<string, unknown>> }
type HealthDeps = {
  readonly telemetry: Telemetry
  readonly liveness: () => Promise<Checks>
  readonly readiness: () => Promise<Checks>
}

/** What a process that only works shows to its supervisor and to Prometheus. */
export function serveHealth({ telemetry, liveness, readiness }: HealthDeps): FastifyInstance {
  const app = Fastify({ logger: false, forceCloseConnections: true })
  const answer =
    (read: () => Promise<Checks>) =>
    async (_request: unknown, reply: { code(status: number): { send(body: unknown): unknown } }) => {
      const checks = await read()
      return reply.code(checks.ok ? 200 : 503).send(checks)
    }
  app.get('/healthz', answer(liveness))
  app.get('/readyz', answer(readiness))
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await telemetry.expose()
    return reply.type(contentType).send(body)
  })
  return app
}
