import { type CallLimits, type Provider, TASK_LIMITS, type Task, type Tier, type TierModels } from './model-table.ts'
import type { TenantModels } from './tenant-models.ts'

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
