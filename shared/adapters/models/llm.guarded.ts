import { failureOf, retryable, StepFailure } from '#shared/domain/failure.ts'
import type { CallEvent, ProviderState } from '#shared/domain/provider-state.ts'
import type { Llm } from '#shared/ports/llm.ts'
import type { Entry, ProviderGuard } from './provider-guard.ts'

/** Failures of the provider, not of the request: only these say that the next call would fail, too. */
const PROVIDER_CODES = new Set([
  'provider-unavailable',
  'provider-stalled',
  'provider-truncated',
  'provider-bad-reply',
  'provider-auth',
  'provider-quota-exhausted',
])

/**
 * A provider behind its circuit breaker and its outbound limit, both shared by all processes. What may not go out fails at once.
 * @throws `provider-unavailable` while it cools down, `provider-rate-limited` while it asked to wait or the limit is reached; both
 * retryable, with how long it will take
 */
export function createGuardedLlm(inner: Llm, name: string, guard: ProviderGuard): Llm {
  return {
    async generate(request, options) {
      const entry = await guard.enter()
      options.signal.throwIfAborted()
      if (entry.kind === 'wait') throw turnedAway(name, entry)
      const { trial } = entry
      guard.tell({ kind: 'begun', trial: false })
      try {
        const reply = await inner.generate(request, options)
        guard.tell({ kind: 'succeeded', trial })
        return reply
      } catch (error) {
        guard.tell({ ...eventOf(error, options.signal.aborted), trial })
        throw error
      }
    },
    async ready() {
      const { state, nowMs } = await guard.look()
      const resting = describe(state, nowMs)
      return resting === undefined ? inner.ready() : { ok: false, detail: resting }
    },
  }
}

function eventOf(error: unknown, aborted: boolean): Omit<CallEvent, 'atMs' | 'trial'> {
  if (aborted || !(error instanceof StepFailure)) return { kind: 'abandoned' }
  const { code, retryAfterMs } = failureOf(error)
  if (code === 'provider-rate-limited') return { kind: 'limited', ...(retryAfterMs !== undefined && { retryAfterMs }) }
  return { kind: PROVIDER_CODES.has(code) ? 'failed' : 'succeeded' }
}

function turnedAway(name: string, { why, waitMs }: Extract<Entry, { kind: 'wait' }>): StepFailure {
  if (why === 'cooling-down') return retryable('provider-unavailable', `${name} is cooling down`, waitMs)
  const reason = why === 'limit-reached' ? 'is asked as often as it may be' : 'asked to wait'
  return retryable('provider-rate-limited', `${name} ${reason}`, waitMs)
}

const seconds = (waitMs: number) => `${Math.max(1, Math.ceil(waitMs / 1_000))} s`

/** For operators; undefined when the provider may be asked. */
export function describe(state: ProviderState, nowMs: number): string | undefined {
  if (state.breaker === 'open' && nowMs < state.untilMs) return `breaker open, tried again in ${seconds(state.untilMs - nowMs)}`
  if (state.breaker !== 'closed') return 'breaker half-open, being tried'
  if (nowMs < state.pausedUntilMs) return `asked to wait ${seconds(state.pausedUntilMs - nowMs)} more`
  return undefined
}
