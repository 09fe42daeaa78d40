import type { BudgetScope, Payer } from '#shared/domain/budget.ts'

export type BudgetAsk = {
  /** `LlmRequest['call']` will do. */
  readonly payer: Payer & { readonly runId: string; readonly step: string; readonly visit: number }
  /** A model task, or `embed`. */
  readonly purpose: string
  /** The most that this call can cost, in US dollars. */
  readonly worstUsd: number
  /** Finds the call in the journal should this process die before it settles. */
  readonly requestHash?: string
  /** After this long without a settlement the reservation is closed at what the journal says, or at nothing (default 10 min). */
  readonly holdMs?: number
  /** Names the reservation; asking twice under one name holds the money once. Made up when absent. */
  readonly id?: string
  readonly tier?: string
  /** What the caller does next when it is refused; kept with the refusal. */
  readonly ifRefused?: string
}

/** Durable and serialisable: may be settled by another process, days later. */
export type Reservation = { readonly id: string; readonly tenantId: string }

export type BudgetRefusal = {
  /** The limit that would have been passed. */
  readonly scope: BudgetScope
  readonly limitUsd: number
  /** Of that limit, what is neither spent nor reserved. */
  readonly leftUsd: number
}
export type BudgetDecision =
  | { readonly granted: true; readonly reservation: Reservation }
  | { readonly granted: false; readonly refusal: BudgetRefusal }

/** What a settled call was, for the usage report of what the journal does not hold (embeddings). */
export type SettledCall = { readonly provider: string; readonly model: string; readonly inputTokens: number }

/** Money that is set aside before a call and accounted for after it. Every limit of the payer is held at once or none is. */
export interface Budget {
  /**
   * @throws `budget-unavailable` (retryable) when the budget cannot be read or written: a call is never made unmetered
   * @throws RangeError when `worstUsd` is not a finite number from 0
   */
  reserve(ask: BudgetAsk): Promise<BudgetDecision>
  /**
   * At the true cost, whatever was reserved; also on a failure that was billed. The first close of a reservation counts, later ones do nothing.
   * @throws `budget-unavailable` (retryable)
   */
  settle(reservation: Reservation, costUsd: number, call?: SettledCall): Promise<void>
  /** Nothing was spent. @throws `budget-unavailable` (retryable) */
  release(reservation: Reservation): Promise<void>
  /** Closes what nobody closed in time, at the cost that the journal knows, else at nothing. @returns how many */
  closeExpired(): Promise<number>
}
