import type { Telemetry } from '#shared/ports/telemetry.ts'
import type { ProviderGuard } from './provider-guard.ts'

const BREAKER_VALUE = { closed: 0, 'half-open': 0.5, open: 1 } as const

/** What operators see of the providers: the state that all processes share, whichever process is scraped. */
export function registerProviderGauges(telemetry: Telemetry, guards: ReadonlyMap<string, ProviderGuard>): void {
  const ofEach = (value: (view: Awaited<ReturnType<ProviderGuard['look']>>) => number) => () =>
    Promise.all([...guards].map(async ([provider, guard]) => ({ labels: { provider }, value: value(await guard.look()) })))
  telemetry.gauge(
    'answerline_provider_breaker',
    'Circuit breaker of a model provider, shared by all processes: 0 closed, 0.5 half-open, 1 open.',
    ['provider'],
    ofEach(({ state }) => BREAKER_VALUE[state.breaker]),
  )
  telemetry.gauge(
    'answerline_provider_pause_seconds',
    'How much longer a provider asked to be left alone (its retry-after, at most a minute).',
    ['provider'],
    ofEach(({ state, nowMs }) => Math.max(0, state.pausedUntilMs - nowMs) / 1_000),
  )
}

type Called = Parameters<Telemetry['modelCalled']>[0]

/** The telemetry with one more figure: which share of the input tokens the providers' prompt caches have served, since the start. */
export function withPromptCacheRatio(telemetry: Telemetry): Telemetry {
  const tokens = new Map<string, { input: number; cached: number }>()
  telemetry.gauge(
    'answerline_prompt_cache_hit_ratio',
    'Input tokens that the provider read from its prompt cache, as a share of all input tokens since this process started.',
    ['provider'],
    async () => [...tokens].map(([provider, { input, cached }]) => ({ labels: { provider }, value: cached / input })),
  )
  return {
    ...telemetry,
    modelCalled(call: Called) {
      const { inputTokens, cacheReadTokens } = call.usage
      if (inputTokens > 0) {
        const sum = tokens.get(call.provider) ?? { input: 0, cached: 0 }
        tokens.set(call.provider, { input: sum.input + inputTokens, cached: sum.cached + cacheReadTokens })
      }
      telemetry.modelCalled(call)
    },
  }
}
