import { isSpanContextValid, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { ATTRIBUTES } from '#shared/domain/trace.ts'
import type { FinishedSpan, Traces } from '#shared/ports/traces.ts'

export type OtlpTracesOptions = {
  /** As OpenTelemetry defines `OTEL_EXPORTER_OTLP_ENDPOINT`: without `/v1/traces`. */
  readonly endpoint: string
  readonly serviceName?: string
  /** How long spans wait for others to travel with. */
  readonly delayMs?: number
}

const EXPORT_TIMEOUT_MS = 5_000
const CLOSE_TIMEOUT_MS = 6_000
/** Spans that wait while the collector is away; beyond this the newest are dropped. */
const MAX_WAITING = 4_096

/**
 * Spans in batches to an OpenTelemetry collector (or Langfuse, LangSmith, Tempo …) by OTLP over HTTP. Ids come with the span,
 * because a run's spans are made by many processes that never speak to each other.
 */
export function createOtlpTraces({ endpoint, serviceName = 'answerline', delayMs = 2_000 }: OtlpTracesOptions): Traces {
  let next = { traceId: '', spanId: '' }
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces`, timeoutMillis: EXPORT_TIMEOUT_MS })
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        maxQueueSize: MAX_WAITING,
        scheduledDelayMillis: delayMs,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  })
  const tracer = provider.getTracer('answerline')

  function record(finished: FinishedSpan): void {
    const { traceId, spanId, parentSpanId, name, kind, startedAt, endedAt, attributes, errorType, events = [] } = finished
    const parent = { traceId, spanId: parentSpanId ?? spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true }
    // A trace id that a caller made up may be anything.
    if (!isSpanContextValid(parent)) return
    next = { traceId, spanId }
    const context = parentSpanId === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent)
    const spanKind = kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL
    const span = tracer.startSpan(name, { kind: spanKind, startTime: startedAt, attributes }, context)
    for (const event of events) span.addEvent(event.name, event.attributes, endedAt)
    if (errorType !== undefined) {
      span.setAttribute(ATTRIBUTES.errorType, errorType)
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    span.end(endedAt)
  }

  return {
    record(span) {
      try {
        record(span)
      } catch {
        // A trace is never worth a ticket.
      }
    },
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref())
      await Promise.race([provider.shutdown().catch(() => {}), late])
    },
  }
}
