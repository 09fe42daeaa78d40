import { describe, expect, test } from 'vitest'
import { createTelemetry } from '#shared/adapters/telemetry/telemetry.prometheus.ts'

const usage = { inputTokens: 100, outputTokens: 20, cacheReadTokens: 60, cacheWriteTokens: 5 }

describe('metrics', () => {
  test('count steps, runs, model calls with tokens and cost, requests, skipped jobs and defects', async () => {
    const telemetry = createTelemetry({ processMetrics: false })
    telemetry.stepEnded({ pipeline: 'support-ticket', step: 'verify', result: 'faithful', seconds: 0.02 })
    telemetry.runEnded({ pipeline: 'support-ticket', status: 'answered', lane: 'interactive', seconds: 3 })
    const call = { provider: 'openai', model: 'gpt-6-luna', task: 'generate', result: 'ok', seconds: 1.2, usage, costUsd: 0.25 }
    telemetry.modelCalled(call)
    telemetry.modelCalled(call)
    telemetry.httpServed({ method: 'POST', route: '/v1/tickets', status: 202, seconds: 0.004 })
    telemetry.jobSkipped('support-ticket.verify', 'overtaken')
    telemetry.defect('verify')
    const { body, contentType } = await telemetry.expose()
    expect(contentType).toContain('text/plain')
    for (const line of [
      'answerline_step_duration_seconds_count{pipeline="support-ticket",step="verify",result="faithful"} 1',
      'answerline_step_duration_seconds_bucket{le="0.025",pipeline="support-ticket",step="verify",result="faithful"} 1',
      'answerline_step_duration_seconds_bucket{le="0.01",pipeline="support-ticket",step="verify",result="faithful"} 0',
      'answerline_run_duration_seconds_sum{pipeline="support-ticket",status="answered",lane="interactive"} 3',
      'answerline_model_call_duration_seconds_count{provider="openai",model="gpt-6-luna",task="generate",result="ok"} 2',
      'answerline_model_tokens_total{provider="openai",model="gpt-6-luna",task="generate",kind="input"} 200',
      'answerline_model_tokens_total{provider="openai",model="gpt-6-luna",task="generate",kind="cache_read"} 120',
      'answerline_model_cost_usd_total{provider="openai",model="gpt-6-luna",task="generate"} 0.5',
      'answerline_http_request_duration_seconds_count{method="POST",route="/v1/tickets",status="202"} 1',
      'answerline_jobs_skipped_total{queue="support-ticket.verify",reason="overtaken"} 1',
      'answerline_defects_total{where="verify"} 1',
    ])
      expect(body).toContain(line)
  })

  test('include the process’s own under their standard names', async () => {
    const { body } = await createTelemetry().expose()
    expect(body).toContain('process_resident_memory_bytes')
    expect(body).toContain('nodejs_eventloop_lag_seconds')
  })

  test('of two instances do not mix', async () => {
    const [one, other] = [createTelemetry({ processMetrics: false }), createTelemetry({ processMetrics: false })]
    one.defect('here')
    expect((await other.expose()).body).not.toContain('where="here"')
  })

  test('fold label values beyond a bound into `other`', async () => {
    const telemetry = createTelemetry({ processMetrics: false })
    for (let i = 0; i < 1_000; i++) telemetry.defect(`place-${i}`)
    const lines = (await telemetry.expose()).body.split('\n').filter((line) => line.startsWith('answerline_defects_total{'))
    expect(lines.length).toBeLessThanOrEqual(201)
    expect(lines).toContain('answerline_defects_total{where="other"} 800')
  })
})

describe('gauges', () => {
  test('are read at every scrape and forget labels that are gone', async () => {
    const telemetry = createTelemetry({ processMetrics: false })
    let depth = [{ labels: { queue: 'a' }, value: 3 }]
    telemetry.gauge('answerline_queue_jobs', 'Jobs.', ['queue'], async () => depth)
    expect((await telemetry.expose()).body).toContain('answerline_queue_jobs{queue="a"} 3')
    depth = [{ labels: { queue: 'b' }, value: 4 }]
    const { body } = await telemetry.expose()
    expect(body).toContain('answerline_queue_jobs{queue="b"} 4')
    expect(body).not.toContain('queue="a"')
  })

  test('that cannot be read, or not in time, leave the rest of the scrape whole and are counted', async () => {
    const telemetry = createTelemetry({ processMetrics: false, gaugeTimeoutMs: 50 })
    telemetry.gauge('answerline_broken', 'Fails.', [], async () => {
      throw new Error('the store is down')
    })
    telemetry.gauge('answerline_stuck', 'Hangs.', [], () => new Promise(() => {}))
    telemetry.gauge('answerline_fine', 'Works.', [], async () => [{ labels: {}, value: 7 }])
    await telemetry.expose()
    const { body } = await telemetry.expose()
    expect(body).toContain('answerline_fine 7')
    expect(body).toMatch(/answerline_gauge_read_failures_total\{gauge="answerline_broken"\} [12]/)
    expect(body).toMatch(/answerline_gauge_read_failures_total\{gauge="answerline_stuck"\} [12]/)
  })

  test('may be declared again; the last declaration counts', async () => {
    const telemetry = createTelemetry({ processMetrics: false })
    telemetry.gauge('answerline_twice', 'First.', [], async () => [{ labels: {}, value: 1 }])
    telemetry.gauge('answerline_twice', 'Second.', [], async () => [{ labels: {}, value: 2 }])
    expect((await telemetry.expose()).body).toContain('answerline_twice 2')
  })
})
