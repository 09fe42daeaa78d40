import { afterEach, expect, test } from 'vitest'
import { serveHealth } from '#cli/health-server.ts'
import type { Telemetry } from '#shared/ports/telemetry.ts'

type Server = ReturnType<typeof serveHealth>
let server: Server | undefined
afterEach(() => server?.close())

const serve = (live: boolean, ready: boolean): Server => {
  const telemetry = { expose: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }) } as unknown as Telemetry
  server = serveHealth({
    telemetry,
    liveness: async () => ({ ok: live, checks: { consumption: 'as told' } }),
    readiness: async () => ({ ok: ready, checks: { redis: 'as told' } }),
  })
  return server
}

test('liveness and readiness answer 200 or 503, each with its checks', async () => {
  const app = serve(true, false)
  const live = await app.inject('/healthz')
  expect([live.statusCode, live.json()]).toEqual([200, { ok: true, checks: { consumption: 'as told' } }])
  const ready = await app.inject('/readyz')
  expect([ready.statusCode, ready.json()]).toEqual([503, { ok: false, checks: { redis: 'as told' } }])
  expect((await serve(false, true).inject('/healthz')).statusCode).toBe(503)
})

test('metrics come in the type that Prometheus asks for, and there is nothing else', async () => {
  const app = serve(true, true)
  const metrics = await app.inject('/metrics')
  expect([metrics.headers['content-type'], metrics.body]).toEqual([expect.stringContaining('version=0.0.4'), 'up 1\n'])
  expect((await app.inject('/v1/tickets')).statusCode).toBe(404)
})
