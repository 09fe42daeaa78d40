import { describe, expect, test } from 'vitest'
import { TenantBudgets } from '#shared/domain/tenant-budgets.ts'
import type { Budget, BudgetAsk, BudgetDecision } from '#shared/ports/budget.ts'

/** What the suite's tenant may spend: whole numbers, so that counting is easy. */
export const CONTRACT_BUDGETS = TenantBudgets.parse({
  customer: { free: { dayUsd: 1, monthUsd: 3 }, standard: { dayUsd: 10, monthUsd: 1_000 } },
  anonymous: { dayUsd: 2, monthUsd: 1_000 },
  conversationUsd: 5,
})
export type BudgetWorld = { readonly budget: Budget; readonly setNow: (now: Date) => void }

let names = 0
/** Every test has its own customer and conversation, so that all may share one budget. */
const payer = (change: Partial<BudgetAsk['payer']> = {}): BudgetAsk['payer'] => {
  names++
  return { tenantId: 'acme', runId: `run_${names}`, step: 'generate', visit: 1, customerId: `customer-${names}`, ...change }
}
const ask = (whose: BudgetAsk['payer'], worstUsd: number, more: Partial<BudgetAsk> = {}): BudgetAsk => ({
  payer: whose,
  purpose: 'generate',
  worstUsd,
  ...more,
})
const granted = (decision: BudgetDecision) => {
  if (!decision.granted) throw new Error(`refused by ${decision.refusal.scope}`)
  return decision.reservation
}
const grants = (decisions: readonly BudgetDecision[]) => decisions.filter((decision) => decision.granted).length

/** What every budget does. @param open a budget for {@link CONTRACT_BUDGETS} whose clock the test sets */
export function budgetContract(name: string, open: () => BudgetWorld): void {
  describe(`budget: ${name}`, () => {
    test('grants exactly what the limit allows, however many ask at once', async () => {
      const { budget } = open()
      const whose = payer()
      const decisions = await Promise.all(Array.from({ length: 200 }, () => budget.reserve(ask(whose, 0.2))))
      expect(grants(decisions)).toBe(50)
      const refused = decisions.find((decision) => !decision.granted)
      expect(refused).toMatchObject({ refusal: { scope: 'customer-day', limitUsd: 10 } })
    })

    test('a settlement gives back what was reserved too much, a release gives back all', async () => {
      const { budget } = open()
      const whose = payer()
      await budget.settle(granted(await budget.reserve(ask(whose, 10))), 4)
      expect(await budget.reserve(ask(whose, 7))).toMatchObject({
        granted: false,
        refusal: { scope: 'customer-day', leftUsd: 6 },
      })
      await budget.release(granted(await budget.reserve(ask(whose, 6))))
      granted(await budget.reserve(ask(whose, 6)))
    })

    test('a true cost above the reservation is charged in full', async () => {
      const { budget } = open()
      const whose = payer()
      await budget.settle(granted(await budget.reserve(ask(whose, 1))), 9.5)
      expect((await budget.reserve(ask(whose, 1))).granted).toBe(false)
    })

    test('the first close counts, later ones do nothing', async () => {
      const { budget } = open()
      const whose = payer()
      const reservation = granted(await budget.reserve(ask(whose, 5)))
      await Promise.all([budget.settle(reservation, 3), budget.settle(reservation, 3), budget.settle(reservation, 3)])
      await budget.release(reservation)
      expect(await budget.reserve(ask(whose, 8))).toMatchObject({ granted: false, refusal: { leftUsd: 7 } })
    })

    test('asking twice under one name holds the money once', async () => {
      const { budget } = open()
      const whose = payer()
      const id = `mine-${names}`
      await budget.reserve(ask(whose, 6, { id }))
      expect(granted(await budget.reserve(ask(whose, 6, { id }))).id).toBe(id)
      granted(await budget.reserve(ask(whose, 4)))
      expect((await budget.reserve(ask(whose, 0.1))).granted).toBe(false)
    })

    test('a conversation has a limit of its own across its customers, and tiers have theirs', async () => {
      const { budget } = open()
      const conversationId = `conversation-${++names}`
      granted(await budget.reserve(ask(payer({ conversationId }), 4)))
      expect(await budget.reserve(ask(payer({ conversationId }), 2))).toMatchObject({
        refusal: { scope: 'conversation', leftUsd: 1 },
      })
      expect(await budget.reserve(ask(payer({ customerTier: 'free' }), 1.5))).toMatchObject({ refusal: { limitUsd: 1 } })
    })

    test('a refusal by one limit costs nothing at the others', async () => {
      const { budget } = open()
      const whose = payer({ conversationId: `conversation-${++names}` })
      const decisions = await Promise.all(Array.from({ length: 30 }, () => budget.reserve(ask(whose, 1))))
      expect(grants(decisions)).toBe(5)
      const { conversationId: _, ...elsewhere } = whose
      expect(grants(await Promise.all(Array.from({ length: 30 }, () => budget.reserve(ask(elsewhere, 1)))))).toBe(5)
    })

    test('days end at midnight UTC, the month goes on; a call that ends after midnight is charged to the day it began', async () => {
      const { budget, setNow } = open()
      const whose = payer({ customerTier: 'free' })
      setNow(new Date('2026-11-21T23:59:59.900Z'))
      const late = granted(await budget.reserve(ask(whose, 1)))
      setNow(new Date('2026-11-22T00:00:01.000Z'))
      granted(await budget.reserve(ask(whose, 1)))
      await budget.settle(late, 0.5)
      expect((await budget.reserve(ask(whose, 0.2))).granted).toBe(false)
      // A clock that steps back over midnight finds yesterday's account as it was left.
      setNow(new Date('2026-11-21T23:59:59.950Z'))
      expect(await budget.reserve(ask(whose, 0.6))).toMatchObject({ refusal: { scope: 'customer-day', leftUsd: 0.5 } })
      setNow(new Date('2026-11-23T12:00:00.000Z'))
      await budget.settle(granted(await budget.reserve(ask(whose, 1))), 1)
      setNow(new Date('2026-11-24T12:00:00.000Z'))
      expect(await budget.reserve(ask(whose, 0.8))).toMatchObject({ refusal: { scope: 'customer-month', leftUsd: 0.5 } })
      setNow(new Date('2026-12-01T00:00:00.000Z'))
      granted(await budget.reserve(ask(whose, 1)))
    })

    test('those who gave no id share one account; a call without a customer has none', async () => {
      const { budget, setNow } = open()
      setNow(new Date('2027-02-03T12:00:00.000Z'))
      granted(await budget.reserve(ask(payer({ customerId: 'anonymous' }), 1.5)))
      expect(await budget.reserve(ask(payer({ customerId: 'anonymous' }), 1))).toMatchObject({ refusal: { limitUsd: 2 } })
      const { customerId: _, ...nobody } = payer()
      granted(await budget.reserve(ask(nobody, 500)))
    })

    test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 1e12])('%s is no amount', async (amount) => {
      const { budget } = open()
      await expect(budget.reserve(ask(payer(), amount))).rejects.toThrow(RangeError)
      const reservation = granted(await budget.reserve(ask(payer(), 1)))
      await expect((async () => budget.settle(reservation, amount))()).rejects.toThrow(RangeError)
    })

    test('what nobody closes ends with its time and gives the money back', async () => {
      const { budget, setNow } = open()
      setNow(new Date('2026-11-21T12:00:00.000Z'))
      const whose = payer()
      granted(await budget.reserve(ask(whose, 10, { holdMs: 60_000 })))
      setNow(new Date('2026-11-21T12:00:59.000Z'))
      await budget.closeExpired()
      expect((await budget.reserve(ask(whose, 1))).granted).toBe(false)
      setNow(new Date('2026-11-21T12:01:01.000Z'))
      expect(await budget.closeExpired()).toBeGreaterThanOrEqual(1)
      granted(await budget.reserve(ask(whose, 10)))
    })
  })
}
