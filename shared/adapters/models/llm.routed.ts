import { terminal } from '#shared/domain/failure.ts'
import { type Provider, TASKS, TIERS, type TierModels } from '#shared/domain/model-table.ts'
import { type PlannedCall, planRoute, type Route } from '#shared/domain/routing.ts'
import type { Llm, LlmRequest } from '#shared/ports/llm.ts'

/** More than any answer needs and any of the models writes at once; a larger wish is a mistake that could cost a fortune. */
export const MAX_OUTPUT_TOKENS = 32_768

export type RoutedLlm = Llm & {
  /** The models that a request would be asked of, the first one first: what a budget must be able to pay. */
  plan(request: Pick<LlmRequest, 'task' | 'tier' | 'call'>): readonly PlannedCall[]
}

/**
 * Decides where a request goes: task, tier and the tenant's settings make a route, which the fallback below follows.
 * @param available the configured providers in the order of the installation
 * @throws `request-invalid` (terminal) for a request that no model should see, `no-model-configured` (terminal) when the
 * tenant's chain names no configured provider
 */
export function createRoutedLlm(inner: Llm, available: ReadonlyMap<Provider, TierModels>): RoutedLlm {
  const route = ({ task, tier, call }: Pick<LlmRequest, 'task' | 'tier' | 'call'>): Route =>
    planRoute(available, task, tier, call.models)
  return {
    async generate(request, options) {
      assertSendable(request)
      const planned = route(request)
      if (planned.calls.length === 0)
        throw terminal('no-model-configured', `no provider of the tenant's chain for "${request.task}" is configured`)
      return inner.generate({ ...request, route: planned }, options)
    },
    plan: (request) => route(request).calls,
    ready: () => inner.ready(),
  }
}

/** The tier that the tenant has fixed for a task, in place of the step's own. Above the journal, whose key holds the tier. */
export function withTenantTier(inner: Llm): Llm {
  return {
    generate(request, options) {
      const fixed = request.call.models?.tasks[request.task]
      return inner.generate(fixed === undefined || fixed === request.tier ? request : { ...request, tier: fixed }, options)
    },
    ready: () => inner.ready(),
  }
}

/** Types do not hold what comes from a configuration or another program; a provider's own refusal would come later and say less. */
function assertSendable({ task, tier, messages, maxOutputTokens }: LlmRequest): void {
  const refuse = (problem: string) => terminal('request-invalid', problem)
  if (!TASKS.includes(task)) throw refuse(`"${task}" is no task`)
  if (!TIERS.includes(tier)) throw refuse(`"${tier}" is no tier`)
  if (!Number.isInteger(maxOutputTokens) || maxOutputTokens < 1 || maxOutputTokens > MAX_OUTPUT_TOKENS)
    throw refuse(`maxOutputTokens is ${maxOutputTokens}, not a whole number from 1 to ${MAX_OUTPUT_TOKENS}`)
  if (messages.length === 0) throw refuse('there is no message')
  for (const { role, content } of messages) {
    if (role !== 'user' && role !== 'assistant') throw refuse(`"${String(role).slice(0, 40)}" is no role of a message`)
    if (typeof content !== 'string' || content === '') throw refuse('a message is empty')
  }
}
