import type { FastifyInstance } from 'fastify'
import type { Role } from '#shared/domain/tenant.ts'

/**
 * Who may call what, written down a second time on purpose: a route that opens itself to another role, or a new route that
 * nobody has thought about, fails the tests. `body` is one that the route's schema takes, so that a refusal is about rights.
 */
export type RouteRow = {
  readonly roles: readonly Role[]
  readonly body?: unknown
  readonly type?: string
  readonly ownNames?: true
}

const LOOK = ['read', 'agent', 'operator'] as const
const EVERY_READER = ['read', 'ingest', 'agent', 'operator'] as const
const NDJSON = 'application/x-ndjson'

export const EVERY_ROUTE: Readonly<Record<string, RouteRow>> = {
  'POST /v1/tickets': { roles: ['ingest'], body: { body: 'hello' } },
  'POST /v1/tickets/bulk': { roles: ['ingest'], body: '{"body":"hello"}\n', type: NDJSON },
  'GET /v1/tickets/:id': { roles: LOOK },
  'POST /v1/tickets/:id/cancel': { roles: ['ingest', 'agent', 'operator'] },
  'POST /v1/tickets/:id/feedback': { roles: ['ingest', 'agent'], body: { rating: 'up' } },
  'GET /v1/tickets/:id/events': { roles: LOOK },
  'POST /v1/chat/completions': { roles: ['ingest'], body: { model: 'support', messages: [{ role: 'user', content: 'hello' }] } },
  'GET /v1/models': { roles: ['ingest', 'read'] },
  'GET /v1/models/:model': { roles: ['ingest', 'read'] },
  'POST /v1/documents': { roles: ['ingest'], body: { text: 'hello' } },
  'POST /v1/documents/bulk': { roles: ['ingest'], body: '{"text":"hello"}\n', type: NDJSON },
  'GET /v1/documents': { roles: EVERY_READER },
  'GET /v1/documents/:id': { roles: EVERY_READER },
  'DELETE /v1/documents/:id': { roles: ['ingest', 'operator'] },
  'POST /v1/documents/:id/retry': { roles: ['ingest', 'operator'] },
  'POST /v1/document-sets': { roles: ['ingest'], body: { name: 's', task: 'summarise', documents: [{ text: 'hello' }] } },
  'GET /v1/document-sets': { roles: EVERY_READER },
  'GET /v1/document-sets/:id': { roles: EVERY_READER },
  'DELETE /v1/document-sets/:id': { roles: ['ingest', 'operator'] },
  'GET /v1/document-sets/:id/results': { roles: EVERY_READER },
  'POST /v1/document-sets/:id/cancel': { roles: ['ingest', 'operator'] },
  'POST /v1/document-sets/schedules': { roles: ['ingest'], body: {} },
  'GET /v1/document-sets/schedules': { roles: ['read', 'ingest', 'operator'] },
  'DELETE /v1/document-sets/schedules/:id': { roles: ['ingest', 'operator'] },
  'POST /v1/search': { roles: LOOK, body: { query: 'hello' } },
  'GET /v1/escalations': { roles: ['agent', 'operator'] },
  'POST /v1/escalations/:id/claim': { roles: ['agent', 'operator'] },
  'POST /v1/escalations/:id/resolve': { roles: ['agent', 'operator'], body: { decision: 'dismiss' } },
  'GET /v1/runs/:id': { roles: LOOK },
  'GET /v1/dead-letters': { roles: ['operator'] },
  'POST /v1/dead-letters/redrive': { roles: ['operator'], body: { limit: 1 } },
  'GET /v1/batches': { roles: ['operator'] },
  'GET /v1/batches/:id': { roles: ['operator'] },
  'POST /v1/batches/run': { roles: ['operator'] },
  'POST /v1/batches/:id/cancel': { roles: ['operator'] },
  'POST /v1/tenants': { roles: ['admin'], body: { id: 'new', name: 'New' } },
  'GET /v1/tenants/:id': { roles: ['admin'] },
  'PATCH /v1/tenants/:id': { roles: ['admin'], body: { name: 'Mine now' } },
  'GET /v1/tenants/:id/keys': { roles: ['admin'] },
  'POST /v1/tenants/:id/keys': { roles: ['admin'], body: { name: 'x', roles: ['admin'] } },
  'DELETE /v1/tenants/:id/keys': { roles: ['admin'] },
  'DELETE /v1/tenants/:id/keys/:keyId': { roles: ['admin'] },
  // A customer's id is the tenant's own word, so a stranger's is nobody's: nothing is found, and nothing happens.
  'DELETE /v1/customers/:id': { roles: ['operator'], ownNames: true },
  'GET /v1/usage': { roles: ['read', 'operator'] },
}

/** Everything outside `/v1` that answers without one of the keys above. */
export const OPEN_ROUTES = ['/docs', '/healthz', '/readyz', '/metrics', '/webhooks/:provider']

/** `METHOD /path` of everything the server routes, read from its own router. */
export function routesOf(app: FastifyInstance): string[] {
  const found: string[] = []
  const path: string[] = []
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const match = /^([│ ]*)[├└]── (\S+)(?: \(([A-Z, ]+)\))?$/.exec(line)
    if (!match) continue
    path.length = match[1]!.length / 4
    path.push(match[2]!)
    for (const method of match[3]?.split(', ') ?? []) found.push(`${method} ${path.join('')}`)
  }
  return found
}
