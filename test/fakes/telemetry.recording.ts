import type { Telemetry } from '#shared/ports/telemetry.ts'

type Told<Name extends 'stepEnded' | 'runEnded' | 'modelCalled'> = Parameters<Telemetry[Name]>[0]

/** Keeps what it is told. */
export function recordingTelemetry(): Telemetry & {
  readonly defects: string[]
  readonly served: { route: string; status: number }[]
  readonly stepsEnded: Told<'stepEnded'>[]
  readonly runsEnded: Told<'runEnded'>[]
  readonly calls: Told<'modelCalled'>[]
  /** As `queue reason`. */
  readonly skipped: string[]
} {
  const defects: string[] = []
  const served: { route: string; status: number }[] = []
  const stepsEnded: Told<'stepEnded'>[] = []
  const runsEnded: Told<'runEnded'>[] = []
  const calls: Told<'modelCalled'>[] = []
  const skipped: string[] = []
  return {
    defects,
    served,
    stepsEnded,
    runsEnded,
    calls,
    skipped,
    stepEnded: (step) => void stepsEnded.push(step),
    runEnded: (run) => void runsEnded.push(run),
    jobSkipped: (queue, reason) => void skipped.push(`${queue} ${reason}`),
    modelCalled: (call) => void calls.push(call),
    httpServed: ({ route, status }) => void served.push({ route, status }),
    defect: (where) => void defects.push(where),
    gauge() {},
    expose: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'answerline_up 1\n' }),
  }
}
