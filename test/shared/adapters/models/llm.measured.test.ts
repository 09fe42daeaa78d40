import { expect, test } from 'vitest'
import * as z from 'zod'
import { createMeasuredLlm } from '#shared/adapters/models/llm.measured.ts'
import { terminal } from '#shared/domain/failure.ts'
import type { Llm, LlmRequest } from '#shared/ports/llm.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'
import { createScriptedLlm, type ScriptedTurn } from '#test/fakes/llm.scripted.ts'
import { recordingTelemetry } from '#test/fakes/telemetry.recording.ts'

const request: LlmRequest<{ ok: boolean }> = {
  task: 'generate',
  tier: 'cheap',
  prompt: { id: 'p', version: 1, hash: 'h' },
  system: 's',
  messages: [{ role: 'user', content: 'u' }],
  schema: { name: 'reply', type: z.object({ ok: z.boolean() }) },
  maxOutputTokens: 10,
  call: { tenantId: 't', runId: 'r', step: 'generate', visit: 1 },
}
function measured(turns: readonly ScriptedTurn[], change: (llm: Llm) => Llm = (llm) => llm) {
  const telemetry = recordingTelemetry()
  const clock = steadyClock()
  const inner = createScriptedLlm(turns)
  return { llm: createMeasuredLlm(change(inner), 'openai', { telemetry, clock }), telemetry, clock, inner }
}
const signal = new AbortController().signal
const USAGE = { inputTokens: 10, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 }

test('a reply is passed on as it is and counted with what it took and cost', async () => {
  const { llm, telemetry, inner } = measured(['{"ok":true}'])
  const deltas: unknown[] = []
  const reply = await llm.generate(request, { signal, onDelta: (delta) => deltas.push(delta) })
  expect([reply.value, reply.costUsd, deltas]).toEqual([{ ok: true }, 0.01, [{ kind: 'text', text: '{"ok":true}' }]])
  expect(inner.requests).toEqual([request])
  expect(telemetry.calls).toEqual([
    { provider: 'scripted', model: 'scripted', task: 'generate', result: 'ok', seconds: 0.001, usage: USAGE, costUsd: 0.01 },
  ])
})

test('what the journal answered did not go out, so it is not counted', async () => {
  const { llm, telemetry } = measured(['{"ok":true}'], (inner) => ({
    ...inner,
    generate: async (...args) => ({ ...(await inner.generate(...args)), fromJournal: true }),
  }))
  await llm.generate(request, { signal })
  expect(telemetry.calls).toEqual([])
})

test('a failure is passed on and counted by its code, with the time it took', async () => {
  const failure = terminal('provider-refused', 'x')
  const { llm, telemetry, clock } = measured([
    async () => {
      clock.advance(1_500)
      throw failure
    },
  ])
  await expect(llm.generate(request, { signal })).rejects.toBe(failure)
  expect(telemetry.calls).toMatchObject([
    { provider: 'openai', model: 'unknown', result: 'provider-refused', seconds: 1.5, costUsd: 0 },
  ])
})

test('a call that was called off is counted as that, and a mistake of ours as a defect', async () => {
  const { llm, telemetry } = measured([new Error('aborted'), new TypeError('x')])
  await expect(llm.generate(request, { signal: AbortSignal.abort() })).rejects.toThrow('aborted')
  await expect(llm.generate(request, { signal })).rejects.toThrow(TypeError)
  expect(telemetry.calls.map(({ result }) => result)).toEqual(['aborted', 'defect'])
})

test('readiness is that of the model behind it', async () => {
  expect(await measured([]).llm.ready()).toEqual({ ok: true, detail: 'follows its script' })
})
