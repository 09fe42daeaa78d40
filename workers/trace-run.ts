import type { Transition } from '#pipelines/advance.ts'
import { DISPATCHED, ENDED, type Run } from '#shared/domain/run.ts'
import { ATTRIBUTES, spanIdOf } from '#shared/domain/trace.ts'
import type { Traces } from '#shared/ports/traces.ts'

/** The attempt that has just been recorded as a span of its run, and the whole run once it has ended: one trace a run. */
export function traceRun(traces: Traces, run: Run, transition: Transition, startedAt: Date, endedAt: Date): void {
  const { next, result, failure } = transition
  const of = { [ATTRIBUTES.runId]: run.id, [ATTRIBUTES.pipeline]: run.pipeline, [ATTRIBUTES.lane]: run.lane }
  const root = { traceId: run.traceId, spanId: spanIdOf(run.id) }
  const failed = failure ? { errorType: failure.code } : {}
  // A job that was lost did nothing.
  if (DISPATCHED.includes(run.status) && result !== 'redispatched') {
    traces.record({
      traceId: run.traceId,
      spanId: spanIdOf(run.id, run.seq),
      parentSpanId: root.spanId,
      name: `${run.pipeline}.${run.step}`,
      kind: 'internal',
      startedAt,
      endedAt,
      attributes: {
        ...of,
        [ATTRIBUTES.step]: run.step,
        [ATTRIBUTES.seq]: run.seq,
        [ATTRIBUTES.attempt]: run.attempt,
        [ATTRIBUTES.visit]: run.visits[run.step] ?? 1,
        [ATTRIBUTES.outcome]: result,
      },
      ...failed,
    })
  }
  if (!ENDED.includes(next.status)) return
  const attributes = { ...of, [ATTRIBUTES.status]: next.status }
  traces.record({ ...root, name: run.pipeline, kind: 'internal', startedAt: run.createdAt, endedAt, attributes, ...failed })
}
