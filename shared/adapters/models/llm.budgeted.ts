import { needsPerson } from '#shared/domain/failure.ts'
import { TIERS } from '#shared/domain/model-table.ts'
import type { Prices } from '#shared/domain/price.ts'
import type { Budget, BudgetRefusal, Reservation } from '#shared/ports/budget.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Llm, LlmOptions, LlmReply, LlmRequest, LlmTier } from '#shared/ports/llm.ts'
import type { Log } from '#shared/ports/log.ts'
import type { BilledCalls } from './billed-calls.ts'
import { MAX_OUTPUT_TOKENS, type RoutedLlm } from './llm.routed.ts'
import { requestHash } from './request-hash.ts'
import { inputBill, type TokenBound, worstCaseUsd } from './worst-case.ts'

export type BudgetedOptions = {
  readonly budget: Budget
  readonly prices: Prices
  /** The same object that the fallback below records its failed links in. */
  readonly billedCalls: BilledCalls
  /** Quotes for nothing when there is no money for a model. */
  readonly extractive: Llm
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** When money runs out: `cache` has been asked before any model, by `recall`. */
type Rung = LlmTier | 'extractive' | 'person'
type Try = { readonly tier: LlmTier; readonly bound: TokenBound; readonly next: Rung }

/**
 * No call without its money set aside: reserves what it can cost at most, settles what it did cost, failed links and retries
 * included, and gives back the rest. When there is not enough for the asked tier, the next cheaper one is tried, then
 * `extractive` where the tenant's chain has it, then a person (`budget-exhausted`). Every refusal is a row with its reason and
 * what was tried next. What costs nothing (extractive, one's own server) is not held up.
 * @throws `budget-exhausted` (needs a person), `budget-unavailable` (retryable): never a call that nobody accounts for
 */
export function createBudgetedLlm(inner: RoutedLlm, options: BudgetedOptions): Llm {
  const { budget, prices, extractive, clock, log } = options

  async function callAndSettle<T>(
    request: LlmRequest<T>,
    reservation: Reservation,
    callOptions: LlmOptions,
  ): Promise<LlmReply<T>> {
    const { billedCalls } = options
    // A call object of its own, by which the bills of this very request are found.
    const own = { ...request, call: { ...request.call } }
    try {
      const reply = await inner.generate(own, callOptions)
      settleLater(reservation, (reply.fromJournal ? 0 : reply.costUsd) + billedCalls.billOf(own.call))
      return reply
    } catch (error) {
      // A cancelled call has no bill, but the provider has read it.
      const cancelled = callOptions.signal.aborted ? inputUsd(request) : 0
      const billUsd = billedCalls.billOf(own.call, error) + cancelled
      if (billUsd > 0) settleLater(reservation, billUsd)
      else void budget.release(reservation).catch((err) => warn(err, reservation))
      throw error
    }
  }
  function inputUsd(request: LlmRequest): number {
    const first = inner.plan(request).find(({ provider }) => provider !== 'extractive')
    return first ? inputBill(request, first.model, prices, clock.now()).costUsd : 0
  }
  /** The customer need not wait for our books: until they are written, more is held than was spent, never less. */
  function settleLater(reservation: Reservation, costUsd: number): void {
    void budget.settle(reservation, costUsd).catch((err) => warn(err, reservation))
  }
  const warn = (err: unknown, { id }: Reservation) =>
    log.warn({ err, reservation: id }, 'a reservation is closed by its time or the journal')

  return {
    async generate(request, callOptions) {
      callOptions.signal.throwIfAborted()
      if (!isSendable(request)) return inner.generate(request, callOptions)
      const tries = triesOf(request, inner)
      const hash = requestHash(request)
      let refusal: BudgetRefusal | undefined
      for (const { tier, bound, next } of tries) {
        const asked = { ...request, tier }
        const worstUsd = worstCaseUsd(asked, inner.plan(asked), { prices, at: clock.now(), bound })
        if (worstUsd === 0) return inner.generate(asked, callOptions)
        const { call: payer, task: purpose } = asked
        const decision = await budget.reserve({ payer, purpose, worstUsd, requestHash: hash, tier, ifRefused: next })
        if (decision.granted) {
          const reply = await callAndSettle(asked, decision.reservation, callOptions)
          return refusal && tier !== request.tier ? { ...reply, lowered: { to: tier, reason: describe(refusal) } } : reply
        }
        refusal = decision.refusal
        if (next === tier) continue
        const { runId, step } = payer
        log.info({ runId, step, task: purpose, tier, next, worstUsd, ...refusal }, 'the budget does not pay for this call')
      }
      if (tries.at(-1)!.next !== 'extractive')
        throw needsPerson('budget-exhausted', `${describe(refusal!)}, too little for any model`)
      const quoted = await extractive.generate(request, callOptions)
      return { ...quoted, lowered: { to: 'extractive', reason: describe(refusal!) } }
    },
    ready: () => inner.ready(),
  }
}

const describe = ({ scope, limitUsd, leftUsd }: BudgetRefusal) => `${scope}: ${leftUsd.toFixed(6)} of ${limitUsd} USD left`

/** What routing would refuse anyway, before anybody is asked, has no price. */
const isSendable = ({ maxOutputTokens }: LlmRequest) =>
  Number.isInteger(maxOutputTokens) && maxOutputTokens >= 1 && maxOutputTokens <= MAX_OUTPUT_TOKENS

/** From the asked tier down, each first by the quick bound and then counted. */
function triesOf(request: LlmRequest, { plan }: RoutedLlm): Try[] {
  const quotes = request.task === 'generate' && request.material !== undefined
  const last: Rung = quotes && plan(request).some(({ provider }) => provider === 'extractive') ? 'extractive' : 'person'
  const tiers = TIERS.slice(0, TIERS.indexOf(request.tier) + 1).toReversed()
  return tiers.flatMap((tier, i): Try[] => [
    { tier, bound: 'bytes', next: tier },
    { tier, bound: 'tokenizer', next: tiers[i + 1] ?? last },
  ])
}
