import { newProviderState, type ProviderState } from '#shared/domain/provider-state.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { ProviderStates } from '#shared/ports/provider-states.ts'

/** Of this process alone: what serves while the shared states are out of reach, and in tests. */
export function createLocalProviderStates(clock: Clock): ProviderStates {
  const states = new Map<string, ProviderState>()
  return {
    async update(provider, change) {
      const state = states.get(provider) ?? newProviderState()
      states.set(provider, state)
      const nowMs = clock.now().getTime()
      const result = change(state, nowMs)
      return { state: structuredClone(state), nowMs, result }
    },
  }
}
