import { afterEach, beforeEach, expect, test } from 'vitest'
import * as z from 'zod'
import { createTracedLlm } from '#shared/adapters/models/llm.traced.ts'
import { createOtlpTraces } from '#shared/adapters/telemetry/traces.otlp.ts'
import { retryable } from '#shared/domain/failure.ts'
import { spanIdOf } from '#shared/domain/trace.ts'
import type { LlmRequest } from '#shared/ports/llm.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'
import { type OtlpReceiver, startOtlpReceiver } from '#test/servers/otlp-receiver.ts'

const traceId = 'a'.repeat(32)
const clock = { now: () => new Date('2026-11-21T12:00:00.000Z'), random: () => 0.5 }
const trace = { traceId, spanId: spanIdOf('run_1', 3) }
const request = (call: Partial<LlmRequest['call']> = {}): LlmRequest => ({
  task: 'generate',
  tier: 'standard',
  prompt: { id: 'draft-answer', version: 2, hash: 'h' },
  system: 'SECRET SYSTEM PROMPT',
  messages: [{ role: 'user', content: 'my name is Ada Lovelace' }],
  schema: { name: 's', type: z.object({ said: z.string() }) },
  maxOutputTokens: 100,
  call: { tenantId: 't', runId: 'run_1', step: 'generate', visit: 1, customerId: 'ada@example.org', trace, ...call },
})
const span = (name: string) => ({
  ...trace,
  name,
  kind: 'internal' as const,
  startedAt: clock.now(),
  endedAt: new Date('2026-11-21T12:00:01.500Z'),
  attributes: {},
})

let receiver: OtlpReceiver
beforeEach(async () => {
  receiver = await startOtlpReceiver()
})
afterEach(() => receiver.close())

test('a span arrives with its ids, times and failure, and what waits is sent on close', async () => {
  const traces = createOtlpTraces({ endpoint: receiver.url, delayMs: 60_000 })
  traces.record({ ...span('support-ticket.generate'), parentSpanId: spanIdOf('run_1'), errorType: 'provider-stalled' })
  traces.record({ ...span('support-ticket'), spanId: spanIdOf('run_1') })
  await traces.close()
  const [step, root] = receiver.spans
  expect(step).toMatchObject({
    traceId,
    spanId: spanIdOf('run_1', 3),
    parentSpanId: spanIdOf('run_1'),
    name: 'support-ticket.generate',
    attributes: { 'error.type': 'provider-stalled' },
    status: { code: 2 },
  })
  expect(step!.endTimeUnixNano - step!.startTimeUnixNano).toBe(1_500_000_000n)
  expect(root).toMatchObject({ traceId, spanId: spanIdOf('run_1'), name: 'support-ticket' })
  expect(root!.parentSpanId ?? '').toBe('')
  expect(receiver.bodies.join()).toContain('answerline')
})

test('a model call is a client span under its step, by the conventions for generative AI, without a word that anybody wrote', async () => {
  const traces = createOtlpTraces({ endpoint: receiver.url, delayMs: 60_000 })
  const scripted = createScriptedLlm(['{"said":"Hello Ada"}', retryable('provider-unavailable', 'Ada broke it')], 'gpt-6.1-terra')
  const llm = createTracedLlm(scripted, { traces, clock })
  await llm.generate(request(), { signal: new AbortController().signal })
  await expect(llm.generate(request(), { signal: new AbortController().signal })).rejects.toThrow()
  const { trace: _, ...untraced } = request().call
  await llm.generate({ ...request(), call: untraced }, { signal: new AbortController().signal }).catch(() => {})
  await traces.close()
  expect(receiver.spans).toHaveLength(2)
  expect(receiver.spans[0]).toMatchObject({
    traceId,
    parentSpanId: trace.spanId,
    name: 'chat gpt-6.1-terra',
    kind: 3,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'scripted',
      'gen_ai.request.model': 'gpt-6.1-terra',
      'gen_ai.request.max_tokens': 100,
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 5,
      'answerline.cost_usd': 0.01,
    },
  })
  expect(receiver.spans[1]).toMatchObject({ name: 'chat generate', attributes: { 'error.type': 'provider-unavailable' } })
  expect(receiver.bodies.join()).not.toMatch(/ada|SECRET|Hello/i)
})

test('a trace id that is none is left out, and the others still arrive', async () => {
  const traces = createOtlpTraces({ endpoint: receiver.url, delayMs: 60_000 })
  for (const wrong of ['trace_1', '0'.repeat(32), '']) traces.record({ ...span('x'), traceId: wrong })
  traces.record(span('good'))
  await traces.close()
  expect(receiver.spans.map(({ name }) => name)).toEqual(['good'])
})

test('a collector that is away or refuses costs its spans and nothing else', async () => {
  receiver.answerWith(400)
  const refused = createOtlpTraces({ endpoint: receiver.url, delayMs: 1 })
  const url = receiver.url
  for (let i = 0; i < 10_000; i++) refused.record(span('lost'))
  await refused.close()
  expect(receiver.bodies.length).toBeGreaterThan(0)
  await receiver.close()
  const away = createOtlpTraces({ endpoint: url, delayMs: 1 })
  for (let i = 0; i < 10_000; i++) away.record(span('lost'))
  const startedAt = performance.now()
  await away.close()
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  expect(() => away.record(span('after the end'))).not.toThrow()
})
