import * as z from 'zod'

/** How a tenant's answers are given again; `policies.cache: false` switches all of it off. */
export const TenantCache = z
  .strictObject({
    /**
     * off: the very same question only · near-exact: differences of politeness, articles and contractions, too · calibrated: also
     * questions that are alike, once this tenant's own traffic and feedback show from where on they are right · reference: like
     * calibrated, and until then by the thresholds that ship, which were chosen on other people's questions
     */
    similar: z.enum(['off', 'near-exact', 'calibrated', 'reference']).default('calibrated'),
    /** Of the questions that have a near one in the cache, at most this share may be answered wrongly. */
    maxErrorRate: z.number().min(0.001).max(0.1).default(0.01),
    keepHours: z.number().positive().max(720).default(24),
  })
  .prefault({})
export type TenantCache = z.infer<typeof TenantCache>
