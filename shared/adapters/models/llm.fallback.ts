import { type CircuitBreakerPolicy, CircuitState, circuitBreaker, handleWhen, SamplingBreaker } from 'cockatiel'
import { retryable, StepFailure } from '#shared/domain/failure.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Llm, LlmDelta, LlmOptions, LlmReply, LlmRequest } from '#shared/ports/llm.ts'
import type { Log } from '#shared/ports/log.ts'
import type { FailedCalls } from './failed-calls.ts'

export type FallbackLink = { readonly name: string; readonly llm: Llm }
export type FallbackOptions = {
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly clock: Clock
  /** Records what the failed links cost; the reply that follows them only knows its own bill. */
  readonly failedCalls?: FailedCalls
}

const COOL_DOWN_MS = 60_000
const SAMPLE_MS = 10_000
const MIN_CALLS = 5

/** Failures of the provider, not of the request: only these say that the next call would fail, too. */
const PROVIDER_CODES = new Set([
  'provider-rate-limited',
  'provider-unavailable',
  'provider-stalled',
  'provider-truncated',
  'provider-bad-reply',
  'provider-auth',
  'provider-quota-exhausted',
])

type GuardedLink = FallbackLink & { readonly breaker: CircuitBreakerPolicy; readonly coolDownMs: () => number }

/**
 * Asks the links in order until one replies. A retryable or terminal failure moves on; a refusal needs a person, whoever
 * declined; an abort, a parked call and a defect end it at once. A link that failed more than half of 5 or more calls within 10 s is left
 * alone for a minute and then tried with a single call. The reply cost of failed links is in `failedCalls`.
 * @throws the most hopeful failure when every link failed: retryable before terminal, the earlier link before the later
 */
export function createFallbackLlm(links: readonly FallbackLink[], options: FallbackOptions): Llm {
  if (links.length === 0) throw new TypeError('a fallback needs at least one model')
  const guarded = links.map((link) => withBreaker(link, options))

  return {
    generate: (request, callOptions) => askInOrder(guarded, request, callOptions, options),
    async ready() {
      const states = await Promise.all(links.map(async ({ name, llm }) => ({ name, ...(await llm.ready()) })))
      return { ok: states.some(({ ok }) => ok), detail: states.map(({ name, detail }) => `${name}: ${detail}`).join('; ') }
    },
  }
}

async function askInOrder<T>(
  links: readonly GuardedLink[],
  request: LlmRequest<T>,
  { signal, onDelta }: LlmOptions,
  { log, clock, failedCalls }: FallbackOptions,
): Promise<LlmReply<T>> {
  const failures: StepFailure[] = []
  let voidText = false
  for (const { name, llm, breaker, coolDownMs } of links) {
    if (coolDownMs() > 0) {
      failures.push(retryable('provider-unavailable', `${name} is cooling down`, coolDownMs()))
      continue
    }
    const startedAt = clock.now()
    const tell = (delta: LlmDelta) => {
      voidText = delta.kind === 'text'
      onDelta?.(delta)
    }
    const ask = () => {
      if (voidText) tell({ kind: 'restart', reason: 'the previous model did not finish' })
      return llm.generate(request, onDelta ? { signal, onDelta: tell } : { signal })
    }
    try {
      return await breaker.execute(ask)
    } catch (failure) {
      if (signal.aborted || !movesOn(failure)) throw failure
      await failedCalls?.record(request, failure, startedAt)
      log.warn({ model: name, code: failure.failure.code, task: request.task }, 'a model failed, asking the next one')
      failures.push(failure)
    }
  }
  throw failures.find(({ failure }) => failure.kind === 'retryable') ?? failures[0]!
}

const movesOn = (error: unknown): error is StepFailure =>
  error instanceof StepFailure && (error.failure.kind === 'retryable' || error.failure.kind === 'terminal')

/** More than half of the calls must fail: at any volume, five failures alone would only prove that there is traffic. */
function withBreaker(link: FallbackLink, { log, clock }: FallbackOptions): GuardedLink {
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof StepFailure && PROVIDER_CODES.has(error.failure.code)),
    {
      halfOpenAfter: COOL_DOWN_MS,
      breaker: new SamplingBreaker({ threshold: 0.5, duration: SAMPLE_MS, minimumRps: (MIN_CALLS * 1_000) / SAMPLE_MS }),
    },
  )
  let openedAtMs = 0
  breaker.onBreak(() => {
    openedAtMs = clock.now().getTime()
    log.warn({ model: link.name, coolDownMs: COOL_DOWN_MS }, 'a model fails too often and is left alone')
  })
  breaker.onReset(() => log.info({ model: link.name }, 'a model is back'))
  const coolDownMs = () => {
    // While one call tries whether the model is back, the others go on to the next model instead of waiting for it.
    if (breaker.state === CircuitState.HalfOpen) return 1_000
    if (breaker.state !== CircuitState.Open) return 0
    return Math.max(0, openedAtMs + COOL_DOWN_MS - clock.now().getTime())
  }
  return { ...link, breaker, coolDownMs }
}
