import type { ProviderState } from '#shared/domain/provider-state.ts'

export type SharedChange<R> = {
  /** After the change. */
  readonly state: ProviderState
  /** By the clock that all processes share. */
  readonly nowMs: number
  readonly result: R
}

/** What all processes know of the model providers. While it is out of reach, what this process knows. Never throws. */
export interface ProviderStates {
  /**
   * Applies `change` to the state of a provider as if nobody else changed it meanwhile.
   * @param change may be run more than once, each time on a fresh state; it changes what it is given
   */
  update<R>(provider: string, change: (state: ProviderState, nowMs: number) => R): Promise<SharedChange<R>>
}
