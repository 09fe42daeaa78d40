import * as z from 'zod'

/** Plain words or phrases, compared as whole words without case; no patterns. */
const Terms = z
  .array(
    z
      .string()
      .trim()
      .min(2)
      .max(100)
      .regex(/[\p{L}\p{N}]/u, 'must hold a letter or digit'),
  )
  .max(500)
  .default([])

/** How strictly drafts are proven, and what no answer may say whatever its sources say. */
export const TenantProof = z
  .strictObject({
    /** Below this `support` (0..1) a claim is not supported although its checks have passed; 0 leaves it to the checks. */
    minSupport: z.number().min(0).max(1).default(0),
    /** With less than this share of claims left, what remains is another answer than the one that was drafted. */
    minKept: z.number().min(0).max(1).default(0.6),
    /** What becomes of a draft with an unproven claim: written anew once and then cut, cut at once, or given to a person. */
    onUnproven: z.enum(['repair', 'cut', 'escalate']).default('repair'),
    /** Whether a model is asked if the sources entail the claims: where support is borderline, for every draft, or never. */
    entailment: z.enum(['borderline', 'always', 'off']).default('borderline'),
    forbidden: z.strictObject({ topics: Terms, competitors: Terms, promises: Terms }).prefault({}),
  })
  .prefault({})
export type TenantProof = z.infer<typeof TenantProof>
export const DEFAULT_PROOF: TenantProof = TenantProof.parse({})
