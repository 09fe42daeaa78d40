import type { ApiDeps } from '#api/deps.ts'
import { createApi } from '#api/server.ts'
import { hashKey } from '#cli/admin-key.ts'
import { systemClock } from '#shared/adapters/state/clock.system.ts'
import { createTelemetry } from '#shared/adapters/telemetry/telemetry.prometheus.ts'
import { type Tenant, TenantConfig } from '#shared/domain/tenant.ts'
import { createLog } from '#shared/wiring.ts'
import { BENCH_KEY } from '../bench-config.ts'
import { answerCalls } from '../side.ts'

/**
 * The baseline: the same server and route (parsing, schemas, authentication, ids, hashes, serialisation, metrics), with doors
 * that agree at once and keep nothing.
 */
const closers: (() => Promise<unknown>)[] = []

async function open(): Promise<{ url: string }> {
  const tenant: Tenant = { id: 'default', name: 'Default', config: TenantConfig.parse({}), createdAt: systemClock.now() }
  const doors: Partial<ApiDeps> = {
    clock: systemClock,
    log: createLog('warn'),
    telemetry: createTelemetry(),
    adminKeyHash: hashKey(BENCH_KEY),
    backlogOf: () => 0,
    backlogTotal: () => 0,
    backlogTook: () => {},
    crowded: () => false,
    maxBacklogTotal: 500_000,
    tenants: { get: async () => tenant } as unknown as ApiDeps['tenants'],
    limiter: { take: async () => ({ allowed: true, retryAfterMs: 0, remaining: 1 }) },
    tickets: { accept: async () => ({ kind: 'accepted' }) } as unknown as ApiDeps['tickets'],
    dispatcher: { dispatch: async () => {} } as unknown as ApiDeps['dispatcher'],
  }
  // Doors that the route does not open are not there.
  const app = createApi(doors as ApiDeps)
  closers.push(() => app.close())
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }) }
}

answerCalls({ open }, async () => {
  for (const close of closers) await close()
})
