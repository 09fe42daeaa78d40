import * as z from 'zod'
import { wellFormed } from '#shared/domain/ticket.ts'
import type { App } from '../app.ts'
import type { ApiDeps } from '../deps.ts'
import { invalid, Problem } from '../problem.ts'
import { CallSums, isStorable, Moment, responses, STORABLE } from '../schemas.ts'

const DAY_MS = 86_400_000
const MAX_DAYS = 400

const When = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], 'must be an ISO 8601 date or time')
  .transform((text) => new Date(text))
  .refine(isStorable, STORABLE)
const Grouping = z.enum(['customer', 'model', 'step', 'day', 'tenant'])
const Query = z.strictObject({
  from: When.optional(),
  to: When.optional(),
  by: Grouping.optional(),
  /** Several, separated by commas: `customer,day`. `by` is its older name, for one. */
  groupBy: z
    .string()
    .max(60)
    .transform((text) => text.split(','))
    .pipe(z.array(Grouping).max(3))
    .refine((all) => new Set(all).size === all.length, 'names a grouping twice')
    .optional(),
  customer: z.string().min(1).max(200).refine(wellFormed).optional(),
  /** `provider/model` */
  model: z.string().min(1).max(200).refine(wellFormed).optional(),
  step: z.string().min(1).max(60).refine(wellFormed).optional(),
})
const Report = z.object({
  from: Moment,
  to: Moment,
  by: z.string(),
  totals: CallSums.extend({ tickets: z.int() }),
  groups: z.array(CallSums.extend({ group: z.string(), keys: z.partialRecord(Grouping, z.string()) })),
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
      const { by, groupBy = [by ?? 'day'], customer, model, step } = query
      const overAll = groupBy.includes('tenant')
      if (overAll && !caller.runsInstallation)
        throw new Problem(403, 'forbidden', 'figures of all tenants need the key of the installation (ADMIN_API_KEY)')
      if (overAll && (groupBy.length > 1 || customer !== undefined || model !== undefined || step !== undefined))
        throw invalid([{ field: 'groupBy', message: 'figures of all tenants come by tenant alone; name one tenant for more' }])
      const filter = { ...(customer && { customer }), ...(model && { model }), ...(step && { step }) }
      const report = overAll
        ? await deps.usage.reportTenants(from, to)
        : await deps.usage.report(caller.tenant.id, from, to, groupBy, filter)
      const { totals, groups } = report
      return {
        from: from.toISOString(),
        to: to.toISOString(),
        by: groupBy.join(','),
        totals,
        groups: groups.map((group) => ({ ...group, keys: { ...group.keys } })),
      }
    },
  )
}
