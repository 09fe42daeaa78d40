import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Telemetry } from '#shared/ports/telemetry.ts'

/** From a cache hit to a model that thinks for two minutes. */
const WORK_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
/** A run may wait days for a person. */
const RUN_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400, 259_200]
const HTTP_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Distinct values of one label; beyond it a value counts as `other`, so that a wrong label cannot eat Prometheus' memory. */
const MAX_LABEL_VALUES = 200
const MAX_LABEL_CHARACTERS = 120
/** A scrape waits this long for a figure that is read on demand, then does without it. */
const GAUGE_TIMEOUT_MS = 3_000

export type TelemetryOptions = {
  /** Process and Node.js metrics under their standard names (`process_…`, `nodejs_…`); on unless told otherwise. */
  readonly processMetrics?: boolean
  readonly gaugeTimeoutMs?: number
}

/** The figures of this process in Prometheus' text format; every name begins with `answerline_` and ends with its unit. */
export function createTelemetry({ processMetrics = true, gaugeTimeoutMs = GAUGE_TIMEOUT_MS }: TelemetryOptions = {}): Telemetry {
  const registry = new Registry()
  if (processMetrics) collectDefaultMetrics({ register: registry })
  const metrics = declare(registry)
  const bounded = boundedLabels()
  return {
    stepEnded({ seconds, pipeline, step, result }) {
      metrics.stepSeconds.observe(bounded('step', { pipeline, step, result }), seconds)
    },
    runEnded({ seconds, pipeline, status, lane }) {
      metrics.runSeconds.observe(bounded('run', { pipeline, status, lane }), seconds)
    },
    jobSkipped(queue, reason) {
      metrics.jobsSkipped.inc(bounded('job', { queue, reason }))
    },
    modelCalled({ provider, model, task, result, seconds, usage, costUsd }) {
      const labels = bounded('model', { provider, model, task })
      metrics.modelSeconds.observe({ ...labels, ...bounded('model', { result }) }, seconds)
      metrics.modelTokens.inc({ ...labels, kind: 'input' }, usage.inputTokens)
      metrics.modelTokens.inc({ ...labels, kind: 'output' }, usage.outputTokens)
      metrics.modelTokens.inc({ ...labels, kind: 'cache_read' }, usage.cacheReadTokens)
      metrics.modelTokens.inc({ ...labels, kind: 'cache_write' }, usage.cacheWriteTokens)
      metrics.modelCost.inc(labels, costUsd)
    },
    httpServed({ method, route, status, seconds }) {
      metrics.httpSeconds.observe(bounded('http', { method, route, status: String(status) }), seconds)
    },
    defect(where) {
      metrics.defects.inc(bounded('defect', { where }))
    },
    gauge(name, help, labels, read) {
      registry.removeSingleMetric(name)
      new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        async collect() {
          try {
            const values = await within(gaugeTimeoutMs, read())
            this.reset()
            for (const { labels: at, value } of values) this.set(bounded(name, at), value)
          } catch {
            // A store that is down must not hide all other figures; no figure is better than an old one.
            this.reset()
            metrics.gaugeFailures.inc({ gauge: name })
          }
        },
      })
    },
    async expose() {
      return { contentType: registry.contentType, body: await registry.metrics() }
    },
  }
}

function declare(registry: Registry) {
  const registers = [registry]
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram<L>({ name, help, labelNames: [...labelNames], buckets, registers })
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({ name, help, labelNames: [...labelNames], registers })
  return {
    stepSeconds: histogram(
      'answerline_step_duration_seconds',
      'One execution of a step, by what came of it (an outcome or one of the engine’s words, such as failed).',
      ['pipeline', 'step', 'result'],
      WORK_SECONDS,
    ),
    runSeconds: histogram(
      'answerline_run_duration_seconds',
      'A run from its acceptance to its end, by how it ended.',
      ['pipeline', 'status', 'lane'],
      RUN_SECONDS,
    ),
    jobsSkipped: counter(
      'answerline_jobs_skipped_total',
      'Jobs that did nothing: the run had moved on, was unknown, was lost and sent again, or was handed back at shutdown.',
      ['queue', 'reason'],
    ),
    modelSeconds: histogram(
      'answerline_model_call_duration_seconds',
      'One model call, by result.',
      ['provider', 'model', 'task', 'result'],
      WORK_SECONDS,
    ),
    modelTokens: counter('answerline_model_tokens_total', 'Tokens; input includes cache_read and cache_write.', [
      'provider',
      'model',
      'task',
      'kind',
    ]),
    modelCost: counter('answerline_model_cost_usd_total', 'Cost of model calls in US dollars, by the price table.', [
      'provider',
      'model',
      'task',
    ]),
    httpSeconds: histogram(
      'answerline_http_request_duration_seconds',
      'One HTTP request, by route pattern.',
      ['method', 'route', 'status'],
      HTTP_SECONDS,
    ),
    defects: counter('answerline_defects_total', 'Our own mistakes. Not zero: somebody should look.', ['where']),
    gaugeFailures: counter('answerline_gauge_read_failures_total', 'Figures that could not be read for a scrape.', ['gauge']),
  }
}

/** @returns labels whose values are short and, per metric family and label, few */
function boundedLabels() {
  const seen = new Map<string, Set<string>>()
  return <L extends string>(family: string, labels: Readonly<Record<L, string>>): Record<L, string> => {
    const kept = {} as Record<L, string>
    for (const [label, value] of Object.entries(labels) as [L, string][]) {
      const key = `${family}.${label}`
      const values = seen.get(key) ?? new Set<string>()
      seen.set(key, values)
      const short = value.slice(0, MAX_LABEL_CHARACTERS)
      if (values.size < MAX_LABEL_VALUES) values.add(short)
      kept[label] = values.has(short) ? short : 'other'
    }
    return kept
  }
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
