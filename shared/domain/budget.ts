import type { TenantBudgets } from './tenant-budgets.ts'
import type { CustomerTier } from './ticket.ts'

export type BudgetScope = 'customer-day' | 'customer-month' | 'conversation' | 'tenant-day' | 'tenant-month'

/** One pot of money that a call draws on. */
export type BudgetAccount = {
  readonly scope: BudgetScope
  readonly tenantId: string
  /** The customer or conversation; empty for the tenant itself. */
  readonly owner: string
  /** `2026-11-21`, `2026-11`, or `ever`; UTC. */
  readonly period: string
  readonly limitNanoUsd: number
}

/** Whose money a call spends: a part of `LlmRequest['call']`. */
export type Payer = {
  readonly tenantId: string
  /** Absent where no customer stands behind the call (indexing); `anonymous` for one who gave no id. */
  readonly customerId?: string
  /** `standard` unless told. */
  readonly customerTier?: CustomerTier
  readonly conversationId?: string
}

/** Who came without an id. The API writes this name into the ticket. */
export const ANONYMOUS = 'anonymous'

const NANO = 1_000_000_000

/**
 * Money is counted in whole billionths of a dollar: exact for every price of the table (0.01 $ per million tokens at batch price
 * is 5 of them a token) and for sums up to 9 million dollars in a double, which is what Lua counts in.
 * @throws RangeError unless it is a finite number from 0 to a million
 */
export function toNanoUsd(usd: number): number {
  if (!(usd >= 0 && usd <= 1_000_000)) throw new RangeError(`${usd} is no amount of US dollars`)
  return Math.round(usd * NANO)
}
export const fromNanoUsd = (nano: number): number => nano / NANO

/** The UTC day a call is charged to: the day it was reserved on, also when it ends after midnight. */
export const dayOf = (at: Date): string => at.toISOString().slice(0, 10)

/** Every limit that holds for a call on a day; the order is that in which refusals are reported. */
export function accountsOf(payer: Payer, budgets: TenantBudgets, day: string): BudgetAccount[] {
  const { tenantId, customerId, customerTier = 'standard', conversationId } = payer
  const accounts: BudgetAccount[] = []
  const add = (scope: BudgetScope, owner: string, period: string, limitUsd: number | undefined) => {
    if (limitUsd !== undefined) accounts.push({ scope, tenantId, owner, period, limitNanoUsd: toNanoUsd(limitUsd) })
  }
  const month = day.slice(0, 7)
  if (conversationId !== undefined) add('conversation', conversationId, 'ever', budgets.conversationUsd)
  if (customerId !== undefined) {
    const limits = customerId === ANONYMOUS ? budgets.anonymous : budgets.customer[customerTier]
    add('customer-day', customerId, day, limits.dayUsd)
    add('customer-month', customerId, month, limits.monthUsd)
  }
  add('tenant-day', '', day, budgets.tenant.dayUsd)
  add('tenant-month', '', month, budgets.tenant.monthUsd)
  return accounts
}
