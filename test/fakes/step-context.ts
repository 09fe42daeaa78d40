import type { StepContext } from '#workers/step.ts'
import { recordingLog } from './log.recording.ts'
import { sampleTenant } from './sample-facts.ts'

/** What the engine gives a step beside its facts, at a moment that does not move. */
export function stepContext(change: Partial<StepContext> = {}): StepContext & { readonly log: ReturnType<typeof recordingLog> } {
  const call = { tenantId: 'acme', runId: 'run_1', step: 'step', visit: change.visit ?? 1 }
  return {
    tenant: sampleTenant(),
    runId: 'run_1',
    subjectId: 'tkt_1',
    traceId: 'trace_1',
    lane: 'standard',
    step: 'step',
    seq: 3,
    attempt: 1,
    visit: 1,
    now: new Date('2026-11-21T12:00:00.000Z'),
    random: () => 0.5,
    signal: new AbortController().signal,
    call,
    ...change,
    log: recordingLog(),
  }
}
