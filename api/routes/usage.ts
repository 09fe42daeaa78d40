import * as z from 'zod'
import type { App } from '../app.ts'
import type { ApiDeps } from '../deps.ts'
import { invalid, Problem } from '../problem.ts'
import { Moment, responses } from '../schemas.ts'

const DAY_MS = 86_400_000
const MAX_DAYS = 400

const When = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], 'must be an ISO 8601 date or time')
  .transform((text) => new Date(text))
const Query = z.strictObject({
  from: When.optional(),
  to: When.optional(),
  by: z.enum(['customer', 'model', 'step', 'day', 'tenant']).default('day'),
})
const Sum = z.object({ calls: z.int(), inputTokens: z.int(), outputTokens: z.int(), costUsd: z.number() })
const Report = z.object({
  from: Moment,
  to: Moment,
  by: z.string(),
  totals: Sum.extend({ tickets: z.int() }),
  groups: z.array(Sum.extend({ group: z.string() })),
})

export function usageRoutes(app: App, deps: ApiDeps): void {
  app.get(
    '/usage',
    {
      config: { roles: ['read', 'operator'] },
      schema: {
        tags: ['operations'],
        summary: 'Tokens, cost and counts; the last 30 days by day unless told otherwise',
        querystring: Query,
        response: responses({ 200: Report }),
      },
    },
    async ({ caller, query }) => {
      const to = query.to ?? deps.clock.now()
      const from = query.from ?? new Date(to.getTime() - 30 * DAY_MS)
      if (from >= to) throw invalid([{ field: 'from', message: 'must be before "to"' }])
      if (to.getTime() - from.getTime() > MAX_DAYS * DAY_MS)
        throw invalid([{ field: 'from', message: `must be at most ${MAX_DAYS} days before "to"` }])
      if (query.by === 'tenant' && !caller.runsInstallation)
        throw new Problem(403, 'forbidden', 'figures of all tenants need the key of the installation (ADMIN_API_KEY)')
      const report =
        query.by === 'tenant'
          ? await deps.usage.reportTenants(from, to)
          : await deps.usage.report(caller.tenant.id, from, to, query.by)
      return { from: from.toISOString(), to: to.toISOString(), by: query.by, totals: report.totals, groups: [...report.groups] }
    },
  )
}
