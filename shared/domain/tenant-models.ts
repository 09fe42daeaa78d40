import * as z from 'zod'
import { MODELS, PROVIDERS, TASKS, TIERS } from './model-table.ts'

const Tier = z.enum(TIERS)
/** Pinned versions only: what is not in the table has no price, and an alias may be another model tomorrow. */
const tiersOf = (provider: keyof typeof MODELS) =>
  z
    .strictObject({
      cheap: z.enum(MODELS[provider].known),
      standard: z.enum(MODELS[provider].known),
      premium: z.enum(MODELS[provider].known),
    })
    .partial()

const Chain = z
  .array(z.enum(PROVIDERS))
  .min(1)
  .refine((chain) => new Set(chain).size === chain.length, 'names a provider twice')

/** The section `models` of a tenant's configuration: which models its calls go to, and how the tier is chosen. */
export const TenantModels = z
  .strictObject({
    /** In place of the installation's model of that tier. */
    tiers: z
      .strictObject({ openai: tiersOf('openai'), anthropic: tiersOf('anthropic') })
      .partial()
      .default({}),
    /** Whom to ask in which order; without one, the installation's order. A chain without `extractive` never quotes. */
    chains: z.partialRecord(z.enum(TASKS), Chain).default({}),
    /** A fixed tier, whatever the question. */
    tasks: z.partialRecord(z.enum(TASKS), Tier).default({}),
    /** Drafts: up to this complexity the cheap tier, from that one on the premium tier. */
    cheapUpTo: z.number().min(0).max(1).default(0.15),
    premiumFrom: z.number().min(0).max(1).default(0.75),
    /** The least that customers of a tier get. */
    atLeast: z.strictObject({ free: Tier, standard: Tier, enterprise: Tier }).partial().default({ enterprise: 'standard' }),
    /** Never beyond this one, not even to repair a draft. */
    atMost: Tier.default('premium'),
    /** Whether a draft that failed its checks is written anew one tier up, or by the same tier. */
    cascade: z.boolean().default(true),
  })
  .prefault({})
export type TenantModels = z.infer<typeof TenantModels>
