import * as z from 'zod'

/** US dollars. JSON has no NaN; what is negative, infinite or absurd is refused where the configuration is parsed. */
const Usd = z.number().nonnegative().max(1_000_000)

const limits = (dayUsd: number, monthUsd: number) =>
  z.strictObject({ dayUsd: Usd.default(dayUsd), monthUsd: Usd.default(monthUsd) }).prefault({})

/** What may be spent on models, in US dollars; days and months are UTC. 0 means: nothing. */
export const TenantBudgets = z
  .strictObject({
    /** Per customer, by tier. */
    customer: z.strictObject({ free: limits(0.1, 1), standard: limits(1, 10), enterprise: limits(100, 1_000) }).prefault({}),
    /** One account for all who gave no id: many people stand behind it. */
    anonymous: limits(100, 1_000),
    /** Per conversation, for as long as it lasts. */
    conversationUsd: Usd.default(0.1),
    /** All of the tenant's calls together, indexing included; unlimited unless set. */
    tenant: z.strictObject({ dayUsd: Usd.optional(), monthUsd: Usd.optional() }).prefault({}),
  })
  .prefault({})
export type TenantBudgets = z.infer<typeof TenantBudgets>
