import { accountsOf, type BudgetAccount, dayOf, fromNanoUsd, toNanoUsd } from '#shared/domain/budget.ts'
import type { TenantBudgets } from '#shared/domain/tenant-budgets.ts'
import type { Budget, BudgetAsk } from '#shared/ports/budget.ts'
import type { Clock } from '#shared/ports/clock.ts'

type Held = { readonly ask: BudgetAsk; readonly accounts: readonly string[]; readonly nano: number; readonly expiresAtMs: number }

/** A budget that forgets when the process ends. `asks` holds every ask with what came of it. */
export function createMemoryBudget(budgetsOf: (tenantId: string) => TenantBudgets, clock: Pick<Clock, 'now'>) {
  const spent = new Map<string, number>()
  const open = new Map<string, Held>()
  const asks: { readonly ask: BudgetAsk; readonly granted: boolean; costUsd?: number }[] = []
  const nameOf = ({ scope, tenantId, owner, period }: BudgetAccount) => JSON.stringify([scope, tenantId, owner, period])
  const usedOf = (name: string) => {
    let used = spent.get(name) ?? 0
    for (const held of open.values()) if (held.accounts.includes(name)) used += held.nano
    return used
  }
  const close = (id: string, nano: number) => {
    const held = open.get(id)
    open.delete(id)
    if (!held) return
    for (const name of held.accounts) spent.set(name, (spent.get(name) ?? 0) + nano)
    const asked = asks.find(({ ask }) => ask === held.ask)
    if (asked) asked.costUsd = fromNanoUsd(nano)
  }
  const budget: Budget = {
    async reserve(ask) {
      const nano = toNanoUsd(ask.worstUsd)
      const now = clock.now()
      const id = ask.id ?? `bdg_${asks.length}`
      const before = open.get(id)
      open.delete(id)
      const accounts = accountsOf(ask.payer, budgetsOf(ask.payer.tenantId), dayOf(now))
      const refused = accounts.find((account) => usedOf(nameOf(account)) + nano > account.limitNanoUsd)
      asks.push({ ask, granted: !refused })
      if (refused) {
        if (before) open.set(id, before)
        const leftUsd = Math.max(0, fromNanoUsd(refused.limitNanoUsd - usedOf(nameOf(refused))))
        return { granted: false, refusal: { scope: refused.scope, limitUsd: fromNanoUsd(refused.limitNanoUsd), leftUsd } }
      }
      open.set(id, { ask, accounts: accounts.map(nameOf), nano, expiresAtMs: now.getTime() + (ask.holdMs ?? 600_000) })
      return { granted: true, reservation: { id, tenantId: ask.payer.tenantId } }
    },
    settle: async ({ id }, costUsd) => close(id, toNanoUsd(costUsd)),
    release: async ({ id }) => close(id, 0),
    async closeExpired() {
      const late = [...open].filter(([, { expiresAtMs }]) => expiresAtMs < clock.now().getTime())
      for (const [id] of late) close(id, 0)
      return late.length
    },
  }
  return Object.assign(budget, { asks, open: () => open.size })
}
