import { expect, test } from 'vitest'
import { registerProviderGauges, withPromptCacheRatio } from '#shared/adapters/models/provider-gauges.ts'
import { createProviderGuard } from '#shared/adapters/models/provider-guard.ts'
import { createLocalProviderStates } from '#shared/adapters/state/provider-states.local.ts'
import { createTelemetry } from '#shared/adapters/telemetry/telemetry.prometheus.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'

test('operators see every breaker and every pause, of the process that is scraped and of the others', async () => {
  const telemetry = createTelemetry({ processMetrics: false })
  const clock = steadyClock()
  const options = { states: createLocalProviderStates(clock), clock, log: recordingLog() }
  const guards = new Map(['openai', 'anthropic'].map((name) => [name, createProviderGuard(name, options)]))
  registerProviderGauges(telemetry, guards)
  const elsewhere = createProviderGuard('openai', options)
  for (let i = 0; i < 5; i++) elsewhere.tell({ kind: 'failed', trial: false })
  createProviderGuard('anthropic', options).tell({ kind: 'limited', trial: false, retryAfterMs: 7_000 })
  await elsewhere.look()
  clock.advance(2_000)
  const { body } = await telemetry.expose()
  expect(body).toContain('answerline_provider_breaker{provider="openai"} 1')
  expect(body).toContain('answerline_provider_breaker{provider="anthropic"} 0')
  expect(body).toContain('answerline_provider_pause_seconds{provider="anthropic"} 5')
})

test('the share of input that prompt caches served is there once something was asked', async () => {
  const telemetry = createTelemetry({ processMetrics: false })
  const counting = withPromptCacheRatio(telemetry)
  const call = { provider: 'openai', model: 'gpt-6-luna', task: 'generate', result: 'ok', seconds: 1, costUsd: 0 }
  const usage = { outputTokens: 5, cacheWriteTokens: 0 }
  counting.modelCalled({ ...call, usage: { ...usage, inputTokens: 3_000, cacheReadTokens: 0 } })
  counting.modelCalled({ ...call, usage: { ...usage, inputTokens: 3_000, cacheReadTokens: 1_500 } })
  const { body } = await telemetry.expose()
  expect(body).toContain('answerline_prompt_cache_hit_ratio{provider="openai"} 0.25')
  expect(body).toContain(
    'answerline_model_tokens_total{provider="openai",model="gpt-6-luna",task="generate",kind="cache_read"} 1500',
  )
})
