import * as z from 'zod'
import { type CallLimits, type Provider, TASK_LIMITS, type Task, TIERS, type Tier, type TierModels } from './model-table.ts'
import type { TenantModels } from './tenant-models.ts'
import type { CustomerTier } from './ticket.ts'

/** One model of one provider, asked when those before it failed. */
export type PlannedCall = { readonly provider: Provider; readonly model: string }

/** Where a request goes, worked out by routing from its task, its tier and what the tenant has set. */
export type Route = { readonly calls: readonly PlannedCall[]; readonly limits: CallLimits }

/**
 * @param available the configured providers in the order of the installation, each with its models
 * @returns the models to ask in this order; empty when the tenant's chain names none that is configured
 */
export function planRoute(
  available: ReadonlyMap<Provider, TierModels>,
  task: Task,
  tier: Tier,
  settings: TenantModels | undefined,
): Route {
  const chain = settings?.chains[task] ?? [...available.keys()]
  const calls = chain.flatMap((provider): PlannedCall[] => {
    const models = available.get(provider)
    if (!models) return []
    const own = provider === 'openai' || provider === 'anthropic' ? settings?.tiers[provider]?.[tier] : undefined
    return [{ provider, model: own ?? models[tier] }]
  })
  return { calls, limits: TASK_LIMITS[task] }
}

/** Which tier a call went to and why, as it is kept with what the call produced. */
export const Routing = z.object({
  tier: z.enum(TIERS),
  provider: z.string(),
  /** 0..1, of the question. */
  complexity: z.number().min(0).max(1),
  reasons: z.array(z.string()),
  /** Whom routing asked or passed over before, and with which failure. */
  passedOver: z.array(z.object({ provider: z.string(), code: z.string() })).optional(),
})
export type Routing = z.infer<typeof Routing>

export type TierAsk = {
  readonly task: Task
  /** Of the prompt: where a question of ordinary difficulty goes. */
  readonly usual: Tier
  readonly complexity: number
  readonly signals?: readonly string[] | undefined
  readonly customerTier?: CustomerTier | undefined
  /** The tier of a draft that failed its checks. */
  readonly failed?: Tier | undefined
}

/** The cascade and the choice before it: hard questions and rejected drafts go up, plain questions down, within the tenant's bounds. */
export function decideTier(ask: TierAsk, settings: TenantModels): { readonly tier: Tier; readonly reasons: string[] } {
  const { task, customerTier } = ask
  const fixed = settings.tasks[task]
  if (fixed) return { tier: fixed, reasons: [`the tenant has fixed ${fixed} for ${task}`] }
  const { tier: wanted, reason } = ask.failed ? afterFailure(ask.failed, settings) : byComplexity(ask, settings)
  const reasons = [reason]
  let rank = TIERS.indexOf(wanted)
  const floor = customerTier && settings.atLeast[customerTier]
  if (floor && TIERS.indexOf(floor) > rank) {
    rank = TIERS.indexOf(floor)
    reasons.push(`${customerTier} customers get at least ${floor}`)
  }
  if (TIERS.indexOf(settings.atMost) < rank) {
    rank = TIERS.indexOf(settings.atMost)
    reasons.push(`the tenant allows at most ${settings.atMost}`)
  }
  return { tier: TIERS[rank]!, reasons }
}

function afterFailure(failed: Tier, { cascade }: TenantModels) {
  const reason = `a draft of the ${failed} tier failed its checks`
  if (!cascade) return { tier: failed, reason: `${reason}; the tenant does not want a better model` }
  return { tier: TIERS[Math.min(TIERS.indexOf(failed) + 1, TIERS.length - 1)]!, reason }
}

function byComplexity({ usual, complexity, signals = [] }: TierAsk, { cheapUpTo, premiumFrom }: TenantModels) {
  const seen = `complexity ${complexity.toFixed(2)}${signals.length > 0 ? ` (${signals.join(', ')})` : ''}`
  if (complexity >= premiumFrom) return { tier: 'premium' as const, reason: `${seen} from ${premiumFrom} on` }
  if (complexity <= cheapUpTo && usual === 'standard') return { tier: 'cheap' as const, reason: `${seen} up to ${cheapUpTo}` }
  return { tier: usual, reason: `${seen}: as usual` }
}
