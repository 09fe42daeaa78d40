import * as z from 'zod'
import { wellFormed } from '#shared/domain/ticket.ts'
import type { App } from '../app.ts'
import type { ApiDeps } from '../deps.ts'
import { responses } from '../schemas.ts'

const ByCustomerId = z.object({ id: z.string().min(1).max(200).refine(wellFormed) })

export function customerRoutes(app: App, { customers, tenants, clock }: ApiDeps): void {
  app.delete(
    '/customers/:id',
    {
      config: { roles: ['admin', 'operator'] },
      schema: {
        tags: ['operations'],
        summary: 'Erase what is kept of a customer (the id that tickets name as requester); repeat while tickets are in progress',
        params: ByCustomerId,
        response: responses({ 200: z.object({ tickets: z.int(), inProgress: z.int() }) }),
      },
    },
    async ({ caller, params }) => {
      const tenantId = caller.tenant.id
      const erasure = await customers.erase(tenantId, params.id)
      // The log says that it was done and how much, not of whom: the id is what was to be forgotten.
      await tenants.audit({
        tenantId,
        actor: caller.actor,
        action: 'customer.erased',
        target: tenantId,
        detail: { tickets: erasure.tickets, inProgress: erasure.inProgress },
        at: clock.now(),
      })
      return erasure
    },
  )
}
